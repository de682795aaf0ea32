// Swagger UI at /docs, used as a person would use it. What the API answers to whom is tested in tests/it.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { password, serveDemo } from './kommando.mjs';

const SHOTS = fileURLToPath(new URL('shots/', import.meta.url));

let kommando, browser, page;
let requests, complaints;

before(async () => {
    await mkdir(SHOTS, { recursive: true });
    kommando = await serveDemo(process.env.BINARY);
    browser = await chromium.launch({
        executablePath: '/usr/bin/chromium',
        args: [
            '--no-sandbox', // root has none
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
});

after(async () => {
    await browser?.close();
    await kommando?.stop();
});

beforeEach(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    requests = [];
    complaints = [];
    page.on('request', request => requests.push(request.url()));
    page.on('websocket', socket => requests.push(socket.url()));
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
        if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
    });
    await page.goto(kommando.address);
});

afterEach(async () => {
    const strangers = requests.filter(url => !/^(data|blob):/.test(url) && new URL(url).origin !== kommando.address);
    await page.close();
    assert.deepEqual(strangers, [], 'the page asks nobody else');
    assert.deepEqual(complaints, [], 'the console has no errors');
});

test('the root leads to Swagger UI, which shows every operation', async () => {
    assert.equal(page.url(), `${kommando.address}/docs`);
    await operation('v1User_ExecuteUserCommand').waitFor();

    const { paths } = await (await page.request.get(`${kommando.address}/openapi.json`)).json();
    const ids = Object.values(paths).flatMap(path => Object.values(path).map(({ operationId }) => operationId));
    for (const id of ids) assert.equal(await operation(id).count(), 1, id);
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

test('a session begins with a log-in, and the page sends its token by itself', async () => {
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

/** Opens Authorize, finds all schemes there, and uses one. */
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

async function open(id) {
    const block = operation(id);
    await block.locator('.opblock-summary-control').click();
    await block.getByRole('button', { name: 'Execute' }).waitFor();
    return block;
}

function parameter(block, name) {
    return block.locator(`tr[data-param-name="${name}"]`);
}

/** Clicks Execute and reads the response as Swagger UI shows it. */
async function execute(block) {
    await block.getByRole('button', { name: 'Execute' }).click();
    const response = block.locator('.live-responses-table .response');
    const body = await response.locator('.highlight-code code').first().textContent();
    return {
        status: (await response.locator('.response-col_status').textContent()).trim(),
        body: JSON.parse(body),
    };
}

/** The block from its head to the end of the body that it got. */
async function shoot(block, name) {
    const clip = await block.evaluate(block => {
        const { x, y, width } = block.getBoundingClientRect();
        const { bottom } = block.querySelector('.live-responses-table .highlight-code').getBoundingClientRect();
        return { x: x + window.scrollX, y: y + window.scrollY, width, height: bottom - y + 4 };
    });
    await page.screenshot({ path: SHOTS + name, clip, fullPage: true });
}
