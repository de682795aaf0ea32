// The operator's page, used as a person would use it: mostly with the keyboard, and once in every form it takes.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { NARROW, WIDE, assertAccessible, launch, openPage } from './chromium.mjs';
import { password, serveDemo } from './kommando.mjs';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const SHOTS = here('shots/');
const ASK = `name: ask
display_name: Ask HR
allow_roles: [Administrator]
timeout: 1s
steps:
  - webhook: {target: hr, when: sync}
`;
const TELL = `name: tell
display_name: Tell HR
allow_roles: [Administrator]
steps:
  - webhook: {target: hr, when: after_commit}
`;

let folder, hr, wanted, failing, kommando, browser, page, check;

before(async () => {
    await mkdir(SHOTS, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'kommando-console-'));
    await cp(here('../../commands.d'), join(folder, 'commands.d'), { recursive: true, filter: name => !/examples/.test(name) });
    await writeFile(join(folder, 'commands.d/tell.yaml'), TELL);
    await writeFile(join(folder, 'commands.d/ask.yaml'), ASK);
    // A target that wants nothing until it is told otherwise.
    hr = createServer((request, response) => request.resume().on('end', () => response.writeHead(failing ? 500 : wanted ? 200 : 410).end()));
    hr.listen(0, '127.0.0.1');
    await once(hr, 'listening');
    const target = `hr:\n  url: http://127.0.0.1:${hr.address().port}/\n  secrets: [{env: HR_SECRET}]\n  allow_networks: [127.0.0.0/8]\n`;
    await writeFile(join(folder, 'targets.yaml'), target);
    kommando = await serveDemo(process.env.BINARY, {
        KOMMANDO_COMMANDS: join(folder, 'commands.d'),
        KOMMANDO_TARGETS: join(folder, 'targets.yaml'),
        HR_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    });
    browser = await launch();
});

after(async () => {
    await browser?.close();
    await kommando?.stop();
    hr?.close();
    await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => ({ page, check } = await openPage(browser, kommando.address)));

let isRefused;
afterEach(async () => {
    await check({ isRefused });
    isRefused = false;
});

test('by keyboard alone: log in, find a user, answer a question, and read the log', async () => {
    await page.goto(`${kommando.address}/_ext/console`);
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.keyboard.type('admin');
    await press('Tab');
    await page.keyboard.type(password);
    await press('Enter');
    await page.getByText('5 users').waitFor();

    await focused('searchbox', 'Search by name or e-mail');
    await page.keyboard.type('hau bj');
    await page.getByRole('status').getByText('1 user', { exact: true }).waitFor();
    await press('Tab');
    await focused('link', /Bjørn Haugen/);
    await press('Enter');
    await focused('heading', 'Bjørn Haugen');

    await tabTo('button', 'Run Deactivate user');
    await press('Enter');
    await focused('button', 'No'); // the cautious answer
    await press('Enter');
    await focused('heading', 'Declined Deactivate user on Bjørn Haugen');
    await tabTo('button', 'Run Deactivate user');
    await press('Space');
    await page.getByRole('dialog', { name: 'Deactivate user' }).getByText('Deactivate Bjørn Haugen (bjorn)? Access ends now.').waitFor();
    await press('Shift+Tab');
    await focused('button', 'Yes');
    await press('Enter');
    await focused('heading', 'Succeeded Deactivate user on Bjørn Haugen');
    await page.getByText('Bjørn Haugen no longer has access.', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Run Reactivate user' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Run Deactivate user' }).count(), 0, 'the commands are those of now');
    await page.getByRole('link', { name: /Bjørn Haugen Retired/ }).waitFor();

    await tabTo('link', 'See it in the log');
    await press('Enter');
    await page.getByRole('row', { name: /Succeeded deactivate Bjørn Haugen Ada Admin/ }).waitFor();
    assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'bjorn');
    await tabTo('link', /2026|20\d\d/);
    await press('Enter');
    await page.getByRole('heading', { name: 'deactivate' }).waitFor();
    await page.getByText('It is the one in force.').waitFor();
    assert.deepEqual(await page.getByRole('listitem').filter({ hasText: 'set_deleted' }).count(), 1);
});

test('each question has the buttons of its Actions, and closing it sends nothing', async () => {
    await openUser(2);
    for (const [command, buttons] of [['About this server', ['OK']], ['Reset password', ['OK', 'Cancel']], ['Deactivate user', ['Yes', 'No']]]) {
        await run(command);
        const dialog = page.getByRole('dialog', { name: command });
        await dialog.waitFor();
        const names = await dialog.getByRole('button').allTextContents();
        assert.deepEqual(names, [...buttons, '×'], command);
        let sent = 0;
        page.on('request', request => (sent += request.method() === 'POST'));
        await press('Escape');
        await focused('button', `Run ${command}`);
        await run(command);
        await dialog.getByRole('button', { name: 'Close without an answer' }).click();
        await dialog.waitFor({ state: 'detached' });
        assert.equal(sent, 0, command);
    }
    await run('About this server');
    await page.getByRole('button', { name: 'OK' }).click();
    await page.getByText('asked by admin (Administrator)').first().waitFor();
});

test('what must not be confirmed runs at once, and a dry run keeps nothing', async () => {
    await openUser(2);
    await page.getByRole('checkbox', { name: 'Dry run' }).check();
    await page.getByRole('button', { name: 'Dry run Set away' }).click();
    await focused('heading', 'Succeeded Set away on Anna Lindqvist');
    await page.getByText('A dry run: nothing was kept.').waitFor();
    assert.equal((await api('GET', '/_ext/executions?user=2&command=set-away')).executions.length, 0);
    await page.getByRole('checkbox', { name: 'Dry run' }).uncheck();
    await run('Set away');
    await page.getByText('A dry run').waitFor({ state: 'detached' });
    await focused('heading', 'Succeeded Set away on Anna Lindqvist');
    assert.equal((await api('GET', '/_ext/executions?user=2&command=set-away')).executions.length, 1);
});

test('why a command cannot be run stands there', async () => {
    await openUser(1);
    const section = page.getByRole('region', { name: 'Cannot be run' });
    const texts = await section.getByRole('listitem').allInnerTexts();
    const words = texts.map(text => text.replaceAll(/\s+/g, ' '));
    assert.deepEqual(words, [
        'Deactivate user Not permitted Nobody may run it on their own user. deactivate',
        'Reactivate user Not available now It is for users whose deleted is true. reactivate',
        'Reset password Not permitted Nobody may run it on their own user. reset-password',
    ]);
});

test('a secret is shown once, and a temporary password is good for making another', async () => {
    isRefused = true; // the temporary password is
    await openUser(4);
    await run('Reset password');
    await page.getByRole('button', { name: 'OK' }).click();
    const temporary = await page.locator('output').textContent();
    assert.match(temporary, /^\w{12,}$/);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), temporary);
    await page.getByRole('link', { name: 'See it in the log' }).click();
    await page.getByRole('row', { name: /Succeeded reset-password Chris Taylor/ }).waitFor();
    assert.ok(!(await page.content()).includes(temporary));

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    assert.deepEqual((await page.context().cookies()).map(({ name }) => name), []);
    await logIn('chris', temporary);
    await page.getByRole('heading', { name: 'Make your own password' }).waitFor();
    await focused('textbox', 'New password');
    await page.keyboard.type('my own pass phrase');
    await press('Tab');
    await page.keyboard.type('my own pass phrase');
    await press('Enter');
    // Chris may see nobody else, and no webhooks.
    await page.getByRole('region', { name: 'Users' }).getByText('1 user', { exact: true }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Webhooks' }).count(), 0);
});

test('a session that ended is begun again where one was', async () => {
    isRefused = true;
    await openUser(2);
    const { tickets } = await api('GET', '/_ext/tickets');
    for (const { id } of tickets.filter(({ kind }) => kind === 'Ticket')) await api('DELETE', `/_ext/tickets/${id}`);
    await run('Say hello');
    await page.getByText('Your session has ended.').waitFor();
    await logIn('admin', password);
    await page.getByRole('heading', { name: 'Anna Lindqvist' }).waitFor();
    assert.equal(new URL(page.url()).hash, '#/users/2');
});

test('a wrong password is told with the id of the request, and locks nobody in', async () => {
    isRefused = true;
    await page.goto(`${kommando.address}/_ext/console`);
    await logIn('admin', 'wrong');
    const alert = page.getByRole('alert');
    assert.match(await alert.innerText(), /Name and password do not belong together\.\s+Status 401, request\s+[0-9a-f]{32}/);
    await page.getByLabel('Password').fill(password);
    await press('Enter');
    await page.getByText('5 users').waitFor();
});

test('when the connection breaks, the same is sent under the same key, and runs once', async () => {
    isRefused = true;
    await openUser(2);
    const keys = [];
    await page.route('**/CustomCommand/hello*', async route => {
        keys.push(route.request().headers()['idempotency-key']);
        if (keys.length === 1) {
            await route.fetch(); // it reaches the server, and its answer is lost
            return route.abort();
        }
        return route.continue();
    });
    const before = (await api('GET', '/_ext/executions?user=2&command=hello')).executions.length;
    await run('Say hello');
    await page.getByRole('alert').getByText('The server cannot be reached, or the connection broke.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await focused('heading', 'Succeeded Say hello on Anna Lindqvist');
    assert.equal(keys.length, 2);
    assert.ok(keys[0] && keys[0] === keys[1]);
    assert.equal((await api('GET', '/_ext/executions?user=2&command=hello')).executions.length, before + 1);
    await run('Say hello');
    await page.waitForFunction(() => document.querySelector('.result'));
    await focused('heading', 'Succeeded Say hello on Anna Lindqvist');
    assert.notEqual(keys[2], keys[0], 'another intent has another key');
});

test('a question that changed meanwhile is asked anew', async () => {
    let isStale = true;
    await page.route('**/User/2/CustomCommand', async route => {
        if (!isStale) return route.continue();
        isStale = false;
        const response = await route.fetch();
        const commands = await response.json();
        const stale = commands.map(command => (command.Name === 'deactivate' ? { ...command, Actions: 'Implicit', ActionData: '' } : command));
        return route.fulfill({ response, json: stale });
    });
    await openUser(2);
    await page.getByText('deactivate · Runs at once').waitFor();
    await run('Deactivate user');
    const dialog = page.getByRole('dialog', { name: 'Deactivate user' });
    await dialog.getByText('Deactivate Anna Lindqvist (anna)?').waitFor();
    await dialog.getByRole('button', { name: 'No' }).click();
    await focused('heading', 'Declined Deactivate user on Anna Lindqvist');
});

test('texts are in the language of the browser', async () => {
    await check();
    ({ page, check } = await openPage(browser, kommando.address, { locale: 'nb-NO' }));
    await openUser(2);
    const heading = page.getByRole('heading', { name: 'Si hei' });
    assert.match(await heading.getAttribute('lang'), /^(nb|no)/);
    await page.getByRole('button', { name: 'Run Si hei' }).click();
    await page.getByText('Hei, Anna Lindqvist!', { exact: true }).waitFor();
});

test('the log is filtered and read page by page', async () => {
    for (let index = 0; index < 60; index++) await api('POST', '/api/v1/User/5/CustomCommand/hello');
    await openConsole('#/executions');
    await page.getByLabel('User', { exact: true }).fill('dora');
    await page.getByLabel('Command').selectOption('hello');
    await page.getByLabel('Outcome').selectOption('succeeded');
    await page.getByLabel('Begun from').fill('2026-01-01T00:00');
    const answer = page.waitForResponse(/executions\?user=5/);
    await page.getByRole('button', { name: 'Filter' }).click();
    await answer;
    const rows = page.getByRole('row', { name: /hello Dora Nilsen/ });
    await until(async () => (await rows.count()) === 50);
    assert.match(page.url(), /from=2025-12-31T23%3A00%3A00.000Z/, 'a time is one of the reader’s zone');
    await page.getByRole('button', { name: 'Show older ones' }).click();
    await page.getByText('These are all.').waitFor();
    assert.equal(await rows.count(), 60);
    assert.ok(await rows.nth(50).getByRole('link').first().evaluate(link => link === document.activeElement));

    await page.getByLabel('User', { exact: true }).fill('nobody-there');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForFunction(() => document.querySelector('input[name=user]').validationMessage.startsWith('No user has this name'));
    await page.getByLabel('User', { exact: true }).fill('');
    await page.getByLabel('Outcome').selectOption('unknown');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No execution fits these filters.').waitFor();
});

test('the log is downloaded as a table for a spreadsheet, by its filters', async () => {
    for (const user of [2, 3]) await api('POST', `/api/v1/User/${user}/CustomCommand/hello`);
    await openConsole('#/executions?user=3&command=hello');
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), 'executions.csv');
    const text = await readFile(await download.path(), 'utf8');
    const lines = text.trimEnd().split('\r\n');
    assert.match(lines[0], /^\ufeffid,userId,user,userFullName,callerId,caller,/);
    const { executions } = await api('GET', '/_ext/executions?user=3&command=hello');
    assert.equal(lines.length - 1, executions.length);
    for (const line of lines.slice(1)) assert.match(line, /,3,bjorn,Bjørn Haugen,1,admin,Ada Admin,.*"Hello, Bjørn Haugen!/);
    await page.getByRole('status').getByText('Downloaded.').waitFor();
});

test('a download goes over all pages and names its columns once', async () => {
    const pages = ['id,userId\r\n1,2\r\n', 'id,userId\r\n3,4\r\n'];
    const asked = [];
    await openConsole('#/executions');
    await page.getByRole('button', { name: 'Download CSV' }).waitFor();
    await page.route('**/_ext/executions*', route => {
        const cursor = new URL(route.request().url()).searchParams.get('cursor');
        asked.push(cursor);
        return route.fulfill({ contentType: 'text/csv', headers: cursor ? {} : { 'X-Next-Cursor': 'next' }, body: pages[cursor ? 1 : 0] });
    });
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download CSV' }).click();
    assert.equal(await readFile(await (await waiting).path(), 'utf8'), '\ufeffid,userId\r\n1,2\r\n3,4\r\n');
    assert.deepEqual(asked, [null, 'next']);
});

test('an administrator makes a group, and a user in it, and edits both', async () => {
    isRefused = true; // the name that is taken
    await openConsole('#/users');
    await page.getByRole('link', { name: 'Groups' }).click();
    await page.getByRole('row', { name: /Field sales .* In use On the road/ }).waitFor();
    await page.getByRole('link', { name: 'New group' }).click();
    await focused('textbox', 'Name');
    await page.keyboard.type('Support');
    await press('Enter');
    await page.getByRole('link', { name: 'Support' }).click();
    await page.getByLabel('Description').fill('Answers calls');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('row', { name: /Support .* Answers calls/ }).waitFor();

    await page.getByRole('link', { name: 'Users', exact: true }).click();
    await page.getByRole('link', { name: 'New user' }).click();
    await focused('textbox', 'Name');
    await page.keyboard.type('anna');
    await page.getByLabel('First name').fill('Eva');
    await page.getByLabel('Last name').fill('Berg');
    await page.getByLabel('E-mail').fill('eva@example.com');
    assert.equal(await page.getByLabel('Role').locator('option:checked').textContent(), 'Employee');
    await page.getByLabel('Role').selectOption('ExternalUser');
    await page.getByLabel('Group', { exact: true }).selectOption('Support');
    await page.getByLabel('Field sales').check();
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('Name: `anna` is another user').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('eva');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Eva Berg' }).waitFor();
    await page.getByText('ExternalUser · Support').first().waitFor();
    const made = await api('GET', '/api/v1/User/eva');
    assert.equal(made.Type, 'ExternalAssociate');
    assert.deepEqual([made.Person.Email, made.OtherGroups.map(group => group.Value)], ['eva@example.com', ['Field sales']]);

    await page.getByRole('link', { name: 'Edit' }).click();
    await focused('textbox', 'Name');
    await page.getByLabel('Title').fill('Engineer');
    await page.getByLabel('Role').selectOption('Employee');
    await page.getByLabel('Field sales').uncheck();
    const sent = page.waitForRequest(request => request.method() === 'PUT');
    await page.getByRole('button', { name: 'Save' }).click();
    const change = (await sent).postDataJSON();
    assert.deepEqual(Object.keys(change), ['Person', 'Role', 'OtherGroups'], 'only what was changed is sent');
    await page.getByText('Employee · Support').first().waitFor();
    await page.getByRole('link', { name: 'Edit' }).click();
    await page.getByRole('checkbox', { name: 'Has access' }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: /Eva Berg Retired/ }).waitFor();
    const edited = await api('GET', '/api/v1/User/eva');
    assert.deepEqual([edited.Person.Title, edited.Person.Lastname, edited.OtherGroups, edited.Deleted], ['Engineer', 'Berg', [], true]);
    // The other tests count five users.
    await api('POST', '/_ext/demo/reset');
});

test('the last administrator stays one, and the form says why', async () => {
    isRefused = true;
    await openConsole('#/users/1/edit');
    await page.getByLabel('Role').selectOption('Employee');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('This is the last administrator who can log in').waitFor();
    assert.equal((await api('GET', '/api/v1/User/1')).Role.Value, 'Administrator');
});

test('roles are seen with their rights, and only administrators see them', async () => {
    await openConsole('#/roles');
    await page.getByRole('row', { name: /UserAdmin Employees 25 manage-users read-users/ }).waitFor();
    await page.getByRole('row', { name: /ExternalUser External users 10 –/ }).waitFor();
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn('anna', password);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    await visit('#/users/2');
    await page.getByRole('heading', { name: 'Anna Lindqvist' }).waitFor();
    for (const name of ['Groups', 'Roles', 'New user', 'Edit']) {
        assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0, name);
    }
});

test('a dead webhook is sent again', async () => {
    wanted = false;
    await api('POST', '/api/v1/User/2/CustomCommand/tell');
    await until(async () => (await api('GET', '/_ext/webhooks?state=dead')).webhooks.length === 1);
    await openConsole('#/webhooks');
    const row = page.getByRole('row', { name: /hr Dead/ });
    await row.getByText('410').waitFor();
    wanted = true;
    await row.getByRole('button', { name: 'Send again' }).click();
    await page.getByRole('status').getByText('The webhook to hr is sent again.').waitFor();
    await until(async () => (await api('GET', '/_ext/webhooks?state=delivered')).webhooks.length === 1);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('row', { name: /hr Delivered/ }).waitFor();
});

test('a command whose last run is unknown is run again only after a question', async () => {
    isRefused = true; // the target fails
    failing = true;
    await openUser(3);
    await run('Ask HR');
    await focused('heading', 'Unknown Ask HR on Bjørn Haugen');
    const alert = page.getByRole('alert');
    await alert.getByText('The target `hr` was called, and it answered with status 500').waitFor();
    await page.getByText('Unknown means: the target was called').waitFor();
    [failing, wanted] = [false, true];
    await run('Ask HR');
    const dialog = page.getByRole('dialog', { name: 'The outcome of the last run is unknown' });
    await dialog.getByText('look there before you run the command again').waitFor();
    await focused('button', 'Cancel');
    await press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const runs = async () => (await api('GET', '/_ext/executions?user=3&command=ask')).executions.length;
    assert.equal(await runs(), 1);
    await run('Ask HR');
    await dialog.getByRole('button', { name: 'Run it again' }).click();
    await focused('heading', 'Succeeded Ask HR on Bjørn Haugen');
    assert.equal(await runs(), 2);
    await page.getByRole('link', { name: 'See it in the log' }).click();
    await page.getByRole('row', { name: /Unknown ask/ }).getByRole('link').first().click();
    await page.getByText('Unknown means: the target was called').waitFor();
});

test('administrators see definitions that are not in force, and why', async () => {
    const file = join(folder, 'commands.d/tell.yaml');
    await writeFile(file, TELL.replace('webhook', 'webhok'));
    const failed = async () => (await api('GET', '/_ext/commands')).failedReload;
    await until(failed);
    await openUser(2);
    const section = page.getByRole('region', { name: 'Definitions that are not in force' });
    await section.getByText('did you mean `webhook`?').waitFor();
    await assertAccessible(page, 'a failed reload');
    await writeFile(file, TELL);
    await until(async () => !(await failed()));
    await page.reload();
    await page.getByText('Can be run').waitFor();
    assert.equal(await section.count(), 0);
});

for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
        test(`nobody is kept out, ${colorScheme} and ${size}`, async () => {
            isRefused = true;
            await api('POST', '/api/v1/User/2/CustomCommand/tell'); // so that there is a webhook
            await check();
            ({ page, check } = await openPage(browser, kommando.address, { colorScheme, viewport }));
            const look = async name => {
                await page.waitForTimeout(200); // transitions of colours
                const minor = await assertAccessible(page, `${name}, ${colorScheme}, ${size}`);
                assert.deepEqual(minor, [], `${name}: minor findings`);
                const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                assert.ok(overflow <= 0, `${name} is ${overflow}px too wide`);
                await page.screenshot({ path: `${SHOTS}console-${name}-${colorScheme}-${size}.png` });
            };
            await page.goto(`${kommando.address}/_ext/console`);
            await logIn('admin', 'wrong');
            await page.getByRole('alert').waitFor();
            await look('log-in');
            await page.getByLabel('Password').fill(password);
            await press('Enter');
            await page.getByText('5 users').waitFor();
            await look('users');
            await visit('#/users/2');
            await page.getByRole('heading', { name: 'Anna Lindqvist' }).waitFor();
            await look('user');
            await run('Deactivate user');
            await look('question');
            await page.getByRole('button', { name: 'No', exact: true }).click();
            await focused('heading', 'Declined Deactivate user on Anna Lindqvist');
            await look('declined');
            await page.getByRole('checkbox', { name: 'Dry run' }).check();
            await page.getByRole('button', { name: 'Dry run Say hello' }).click();
            await focused('heading', 'Succeeded Say hello on Anna Lindqvist');
            await look('succeeded');
            await visit('#/users/4711');
            await page.getByText('There is no user 4711').waitFor();
            await look('no-user');
            await visit('#/users/2/edit');
            await page.getByRole('heading', { name: 'Edit Anna Lindqvist' }).waitFor();
            await look('edit-user');
            await visit('#/users/new');
            await page.getByRole('heading', { name: 'New user' }).waitFor();
            await look('new-user');
            await visit('#/groups');
            await page.getByRole('heading', { name: 'Groups' }).waitFor();
            await look('groups');
            await visit('#/groups/1');
            await page.getByRole('heading', { name: /^Edit/ }).waitFor();
            await look('edit-group');
            await visit('#/roles');
            await page.getByRole('heading', { name: 'Roles' }).waitFor();
            await look('roles');
            await visit('#/executions');
            await page.getByRole('row').nth(1).waitFor();
            await look('executions');
            await page.getByRole('row').nth(1).getByRole('link').first().click();
            await page.getByText('Answer').waitFor();
            await look('execution');
            await visit('#/webhooks');
            await page.getByRole('row', { name: /hr/ }).first().waitFor();
            await look('webhooks');
            await visit('#/executions?outcome=unknown&command=hello');
            await page.getByText('No execution fits').waitFor();
            await look('nothing');
            await visit('#/password');
            await page.getByRole('heading', { name: 'Change password' }).waitFor();
            await look('password');
            await page.route('**/_ext/executions*', route => route.fulfill({ status: 503, headers: { 'X-Request-Id': 'x' }, json: { detail: 'The server cannot answer now. Try again.' } }));
            await visit('#/executions');
            await page.getByRole('alert').getByText('The server failed').waitFor();
            await look('trouble');
        });
    }
}

const press = key => page.keyboard.press(key);
const visit = hash => page.evaluate(hash => (location.hash = hash), hash);
const run = command => page.getByRole('button', { name: `Run ${command}` }).click();

async function logIn(user, password) {
    await page.getByLabel('User', { exact: true }).fill(user);
    await page.getByLabel('Password').fill(password);
    await press('Enter');
}

async function openConsole(hash) {
    await page.goto(`${kommando.address}/_ext/console${hash}`);
    await logIn('admin', password);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
}

async function openUser(id) {
    await openConsole(`#/users/${id}`);
    await page.getByText('Can be run').waitFor();
}

/** Waits until what has the focus is of this role and name. */
async function focused(role, name) {
    const options = typeof name === 'string' ? { name, exact: true } : { name };
    await page.getByRole(role, options).and(page.locator(':focus')).waitFor({ timeout: 10_000 });
}

/** Presses Tab until it is there, as often as a patient person would. */
async function tabTo(role, name) {
    const options = typeof name === 'string' ? { name, exact: true } : { name };
    const wanted = page.getByRole(role, options).and(page.locator(':focus'));
    for (let presses = 0; presses < 60; presses++) {
        await press('Tab');
        if (await wanted.count()) return;
    }
    assert.fail(`no ${role} ${name} is reached with Tab`);
}

async function until(holds) {
    for (let tries = 0; tries < 100; tries++) {
        if (await holds()) return;
        await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.fail('it did not happen within ten seconds');
}

/** Calls the server beside the page. */
async function api(method, path) {
    const credentials = Buffer.from(`admin:${password}`).toString('base64');
    const response = await fetch(kommando.address + path, { method, headers: { Authorization: `Basic ${credentials}` } });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.status === 204 ? null : response.json();
}
