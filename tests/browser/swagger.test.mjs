// Swagger UI at /docs in a browser.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { NARROW, WIDE, assertAccessible, findings, launch, openPage } from './chromium.mjs';
import { password, serveDemo } from './kommando.mjs';

const SHOTS = fileURLToPath(new URL('shots/', import.meta.url));
const VENDORED = ['swagger-ui-bundle.js', 'swagger-ui-bundle.js.LICENSE.txt', 'swagger-ui.css', 'LICENSE', 'NOTICE'];

let kommando, browser, page, check, isRefused;

before(async () => {
    await mkdir(SHOTS, { recursive: true });
    kommando = await serveDemo(process.env.BINARY);
    browser = await launch();
});

after(async () => {
    await browser?.close();
    await kommando?.stop();
});

beforeEach(async () => {
    isRefused = false;
    await openDocs();
});

afterEach(() => check({ isRefused }));

test('Swagger UI is the unchanged npm package', async () => {
    for (const name of VENDORED) {
        const ours = await readFile(new URL(`../../src/api/pages/docs/${name}`, import.meta.url));
        const theirs = await readFile(new URL(`node_modules/swagger-ui-dist/${name}`, import.meta.url));
        assert.ok(ours.equals(theirs), `src/api/pages/docs/${name} differs: copy it from node_modules/swagger-ui-dist`);
    }
});

test('the root redirects to Swagger UI, which shows every operation', async () => {
    assert.equal(page.url(), `${kommando.address}/docs`);
    await operation('v1User_ExecuteUserCommand').waitFor();

    const { paths, tags } = await (await page.request.get(`${kommando.address}/openapi.json`)).json();
    const operations = Object.values(paths).flatMap(path => Object.values(path));
    for (const { name } of tags) {
        await showTag(name);
        const ids = operations.filter(operation => operation.tags[0] === name).map(({ operationId }) => operationId);
        assert.notEqual(ids.length, 0, name);
        for (const id of ids) await operation(id).waitFor(); // fails if there are two
    }
    await showTag('User');
    await page.screenshot({ path: `${SHOTS}docs.png`, fullPage: true });
});

test('a command is run with Basic', async () => {
    await logIn('Basic', async form => {
        await form.getByLabel('Username').fill('admin');
        await form.getByLabel('Password').fill(password);
    });
    const block = await open('v1User_ExecuteUserCommand');
    await parameter(block, 'id').locator('input').fill('2');
    await parameter(block, 'commandName').locator('input').fill('deactivate');
    await parameter(block, 'actionResult').locator('select').selectOption('Yes');

    const { status, body } = await execute(block);
    assert.equal(status, '200');
    assert.equal(body.Success, true);
    assert.equal(body.Result, 'Yes');
    await shoot(block, 'execute.png');
});

test('commands are listed with SoTicket', async () => {
    const ticket = await kommando.issueTicket('admin');
    assert.match(ticket, /^7T:/);
    // Swagger UI gives all of its value fields one id, so labels lead to the first.
    await logIn('SoTicket', form => form.locator('input').fill(`SoTicket ${ticket}`));
    const block = await open('v1User_GetUserCommands');
    await parameter(block, 'id').locator('input').fill('2');

    const { status, body } = await execute(block);
    assert.equal(status, '200');
    assert.ok(body.some(({ Name }) => Name === 'hello'));
});

test('credentials are kept over a reload', async () => {
    await logIn('Basic', async form => {
        await form.getByLabel('Username').fill('admin');
        await form.getByLabel('Password').fill(password);
    });
    await page.reload();
    assert.equal((await execute(await open('v1User_GetUserCommands'))).status, '200');
});

test('the bar begins a session, and filled-in operations run', async () => {
    await enter(password);
    await page.getByText('Logged in as admin').waitFor();
    await page.reload();
    await page.getByText('Logged in as admin').waitFor();
    for (const id of [
        'v1User_GetUserCommands',
        'v1User_ExecuteUserCommand',
        'v1User_GetAll',
        'v1User_GetUser',
        'v1User_PutUser',
        'v1User_PatchUser',
        'v1UserAgent_GetUserPresenceStatus',
        'v1UserAgent_ExecuteUserCommand',
        'ListCommands',
        'ListExecutions',
    ]) {
        const block = await open(id);
        assert.equal((await execute(block)).status, '200', id);
        await block.getByText('Request duration').waitFor();
        await block.locator('.opblock-summary-control').click();
    }
    // The curl line works outside the browser until the session ends.
    const shown = await open('v1User_GetUserCommands');
    await execute(shown);
    const curl = await shown.locator('.curl-command').innerText();
    const [, authorization] = /-H '(?:A|a)uthorization: (Bearer 8A:[^']+)'/.exec(curl) ?? assert.fail(curl);
    assert.ok(!/xsrf/i.test(curl), curl);
    const pasted = () => fetch(`${kommando.address}/api/v1/User/2/CustomCommand`, { headers: { Authorization: authorization } });
    assert.equal((await pasted()).status, 200);
    await shown.locator('.opblock-summary-control').click();

    const bar = page.locator('.docs-bar');
    await bar.getByRole('button', { name: 'Log out' }).click();
    await bar.getByRole('button', { name: 'Log in' }).waitFor();
    isRefused = true;
    await until(async () => (await pasted()).status === 401);
    const { status, body } = await execute(await open('v1User_GetUserCommands'));
    assert.equal(status, '401');
    assert.match(body.ErrorMessage, /browsers log in at \/_ext\/session/);
});

test('the commands come after the operations on users, and each of them runs unedited or asks its question', async () => {
    await enter(password);
    await page.getByText('Logged in as admin').waitFor();
    await page.locator('.opblock-tag-section h3').first().waitFor();
    const sections = await page.locator('.opblock-tag-section h3').allInnerTexts();
    assert.match(sections[0], /^User/);
    assert.match(sections[1], /^Commands/);
    for (const [id, outcome] of [
        ['about', 'asked'],
        ['hello', 'succeeded'],
        ['resetPassword', 'asked'],
        ['setAway', 'succeeded'],
        ['deactivate', 'asked'],
    ]) {
        const block = await open(id);
        const { status, body } = await execute(block);
        assert.equal(status, '200', id);
        assert.equal(body.Success, outcome === 'succeeded', `${id}: ${body.Message}`);
        await block.locator('.opblock-summary-control').click();
    }
});

test('the bar shows a failed login, and follows sessions of operations', async () => {
    isRefused = true;
    await enter('wrong');
    await page.getByText('Wrong user name or password.').waitFor();
    const begin = await open('BeginSession');
    await begin.locator('textarea.body-param__text').fill(JSON.stringify({ userName: 'admin', password }));
    assert.equal((await execute(begin)).status, '200');
    await page.getByText('Logged in as admin').waitFor();
    const end = await open('EndSession');
    await end.getByRole('button', { name: 'Execute', exact: true }).click();
    await page.getByRole('form', { name: 'Log in' }).waitFor();
});

test('an operation has its own address', async () => {
    const block = await open('v1User_ExecuteUserCommand');
    const address = page.url();
    assert.match(address, /#\/User\/v1User_ExecuteUserCommand$/);
    await page.goto('about:blank');
    await page.goto(address);
    await block.getByRole('button', { name: 'Execute', exact: true }).waitFor();
});

for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
        test(`it is readable, ${colorScheme} and ${size}`, async t => {
            await check();
            await openDocs({ colorScheme, viewport });
            const isDark = () => page.evaluate(() => document.documentElement.classList.contains('dark-mode'));
            assert.equal(await isDark(), colorScheme === 'dark');
            await operation('v1User_ExecuteUserCommand').waitFor();
            await page.screenshot({ path: `${SHOTS}docs-${colorScheme}-${size}.png` });
            await enter(password);
            await page.getByText('Logged in as admin').waitFor();
            const block = await open('v1User_ExecuteUserCommand');
            await execute(block);
            const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(overflow <= 0, `${overflow}px too wide`);
            await block.locator('.live-responses-table').scrollIntoViewIfNeeded();
            await page.screenshot({ path: `${SHOTS}docs-answer-${colorScheme}-${size}.png` });
            // Violations inside Swagger UI are reported, not asserted.
            await assertAccessible(page, `the bar, ${colorScheme}, ${size}`, '.docs-bar');
            t.diagnostic(`Swagger UI itself: ${(await findings(page, '#swagger-ui')).map(({ id }) => id).join(', ') || 'nothing'}`);
            await page.emulateMedia({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' });
            // The page follows the system's color scheme.
            await page.waitForFunction(dark => document.documentElement.classList.contains('dark-mode') === dark, colorScheme !== 'dark');
        });
    }
}

test('a session begins with a login, and the page sends its token', async () => {
    const logIn = await open('BeginSession');
    await logIn.locator('textarea.body-param__text').fill(JSON.stringify({ userName: 'admin', password }));
    const { status, body } = await execute(logIn);
    assert.equal(status, '200');
    assert.equal(body.userId, 1);
    const cookies = await page.context().cookies();
    assert.ok(cookies.some(({ name, httpOnly }) => name === 'kommando-session' && httpOnly));
    await logIn.locator('.opblock-summary-control').click();

    const list = await open('v1User_GetUserCommands');
    await parameter(list, 'id').locator('input').fill('3');
    assert.equal((await execute(list)).status, '200');
    const run = await open('v1User_ExecuteUserCommand');
    await parameter(run, 'id').locator('input').fill('3');
    await parameter(run, 'commandName').locator('input').fill('hello');
    const ran = await execute(run);
    assert.equal(ran.status, '200');
    assert.equal(ran.body.Success, true);
    await shoot(run, 'session.png');
});

async function until(holds) {
    for (let tries = 0; tries < 100; tries++) {
        if (await holds()) return;
        await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.fail('it did not happen within ten seconds');
}

async function openDocs(settings) {
    ({ page, check } = await openPage(browser, kommando.address, settings));
    await page.goto(kommando.address);
    await page.locator('.opblock-tag[data-tag="User_Agent"][data-is-open="false"]').waitFor();
}

/** Logs in with the login bar. */
async function enter(password) {
    const bar = page.getByRole('form', { name: 'Log in' });
    await bar.getByLabel('User name').fill('admin');
    await bar.getByLabel('Password').fill(password);
    await page.keyboard.press('Enter');
}

/** Opens the Authorize dialog, checks its schemes, and fills in one. */
async function logIn(scheme, fill) {
    await page.locator('.auth-wrapper').getByRole('button', { name: 'Authorize' }).click();
    const dialog = page.locator('.dialog-ux');
    const forms = dialog.locator('.auth-container');
    const schemes = await forms.locator('h4').allTextContents();
    assert.deepEqual(schemes.map(title => title.split(/\W/)[0]), ['Basic', 'Bearer', 'Session', 'SoTicket', 'XsrfToken']);

    const form = forms.filter({ has: page.getByRole('heading', { name: scheme }) });
    await fill(form);
    await page.screenshot({ path: `${SHOTS}authorize-${scheme}.png` });
    await form.getByRole('button', { name: 'Apply credentials' }).click();
    await form.getByRole('button', { name: 'Remove authorization' }).waitFor();
    await dialog.locator('.close-modal').click();
}

function operation(id) {
    return page.locator(`.opblock[id$="-${id}"]`);
}

/** Shows the operations of a tag alone: of many open ones, Swagger UI draws only those near the visible part. */
async function showTag(name) {
    const heads = await page.locator('.opblock-tag').evaluateAll(heads => heads.map(({ dataset }) => dataset.tag));
    for (const tag of heads.filter(tag => tag !== name)) await setTag(tag, false);
    await setTag(name, true);
}

async function setTag(tag, isOpen) {
    const head = page.locator(`.opblock-tag[data-tag="${tag}"]`);
    if ((await head.getAttribute('data-is-open')) !== String(isOpen)) await head.click();
}

async function open(id) {
    const { paths } = await (await page.request.get(`${kommando.address}/openapi.json`)).json();
    const operations = Object.values(paths).flatMap(path => Object.values(path));
    await showTag(operations.find(({ operationId }) => operationId === id).tags[0]);
    const block = operation(id);
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Execute', exact: true }).waitFor();
    return block;
}

function parameter(block, name) {
    return block.locator(`tr[data-param-name="${name}"]`);
}

/** Clicks Execute, and reads the response shown by Swagger UI. */
async function execute(block) {
    await block.getByRole('button', { name: 'Execute', exact: true }).click();
    const response = block.locator('.live-responses-table .response');
    const body = await response.locator('.highlight-code code').first().textContent();
    return {
        status: (await response.locator('.response-col_status').textContent()).trim(),
        body: JSON.parse(body),
    };
}

/** Takes a screenshot of the block, from its head to the end of the response body. */
async function shoot(block, name) {
    const clip = await block.evaluate(block => {
        const { x, y, width } = block.getBoundingClientRect();
        const { bottom } = block.querySelector('.live-responses-table .highlight-code').getBoundingClientRect();
        return { x: x + window.scrollX, y: y + window.scrollY, width, height: bottom - y + 4 };
    });
    await page.screenshot({ path: SHOTS + name, clip, fullPage: true });
}
