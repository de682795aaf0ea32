// The console: mostly by keyboard, in two languages, light and dark, wide and narrow.

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
const TRAVEL = `name: travel
display_name: Travel
allow_roles: [Administrator]
confirm: yes_no
question: 'Send {{ user.full_name }} away?'
steps:
  - message: {text: Gone}
`;
const TELL = `name: tell
display_name: Tell HR
allow_roles: [Administrator]
steps:
  - webhook: {target: hr, when: after_commit}
`;
const ONBOARD = `name: assign
display_name: Assign
allow_roles: [Administrator]
inputs:
  reason: {type: text, min_length: 5, max_length: 40, label: Reason, help: One sentence.}
  notes: {type: text, multiline: true, required: false, label: Notes}
  days: {type: integer, min: 1, max: 9, label: Days}
  urgent: {type: boolean, label: Urgent}
  until: {type: date, not_after: 2099-12-31, label: Until}
  kind: {type: choice, values: {full: Full time, part: Part time}, label: Kind}
  manager: {type: user, label: Manager}
  group: {type: group, default: Head office, label: New group}
  role: {type: role, label: New role}
  mail: {type: email, required: false, label: Copy to}
  pin: {type: secret, min_length: 4, label: PIN}
confirm: yes_no
confirm_binding: required
question: 'Assign {{ user.name }} to {{ inputs.group }} for {{ inputs.days }} days?'
steps:
  - set_group: {group: {input: group}}
  - message: {text: 'Assigned: {{ inputs.reason }}'}
`;

let folder, hr, accepts, failing, kommando, browser, page, check;

before(async () => {
    await mkdir(SHOTS, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'kommando-console-'));
    await cp(here('../../commands.d'), join(folder, 'commands.d'), { recursive: true, filter: name => !/examples/.test(name) });
    await writeFile(join(folder, 'commands.d/tell.yaml'), TELL);
    await writeFile(join(folder, 'commands.d/ask.yaml'), ASK);
    await writeFile(join(folder, 'commands.d/travel.yaml'), TRAVEL);
    await writeFile(join(folder, 'commands.d/assign.yaml'), ONBOARD);
    // A webhook target that refuses until `accepts` is set.
    hr = createServer((request, response) => request.resume().on('end', () => response.writeHead(failing ? 500 : accepts ? 200 : 410).end()));
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

test('every step works with the keyboard alone', async () => {
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
    await tabTo('link', /Bjørn Haugen/);
    await press('Enter');
    await focused('heading', 'Bjørn Haugen');

    await tabTo('button', 'Run Deactivate user');
    await press('Enter');
    await focused('button', 'Cancel');
    await press('Enter');
    await focused('heading', 'Declined Deactivate user: Bjørn Haugen');
    await tabTo('button', 'Run Deactivate user');
    await press('Space');
    await page.getByRole('dialog', { name: 'Deactivate Bjørn Haugen (bjorn)? Access ends now.' }).waitFor();
    await press('Shift+Tab');
    await focused('button', 'Deactivate user');
    await press('Enter');
    await focused('heading', 'Succeeded Deactivate user: Bjørn Haugen');
    await page.getByText('Bjørn Haugen no longer has access.', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Run Reactivate user' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Run Deactivate user' }).count(), 0, 'the commands are reloaded');
    await page.getByRole('link', { name: /Bjørn Haugen Retired/ }).waitFor();

    await tabTo('link', 'Show in execution history');
    await press('Enter');
    await page.getByRole('row', { name: /Succeeded Deactivate user Bjørn Haugen Ada Admin/ }).waitFor();
    assert.equal(await page.getByLabel('User', { exact: true }).inputValue(), 'Bjørn Haugen (bjorn)');
    await tabTo('link', /2026|20\d\d/);
    await press('Enter');
    await page.getByRole('heading', { name: 'Deactivate user' }).waitFor();
    await page.getByText('In force:').waitFor();
    assert.deepEqual(await page.getByRole('listitem').filter({ hasText: 'set_deleted' }).count(), 1);
});

test('each question has the buttons of its Actions', async () => {
    await openUser(2);
    for (const [command, question, buttons] of [
        ['About this server', "This shows the server's version.", ['OK']],
        ['Travel', 'Send Anna Lindqvist away?', ['Yes', 'No']],
        ['Reset password', 'Replace the password of Anna Lindqvist (anna) by a temporary one?', ['Reset password', 'Cancel']],
        ['Deactivate user', 'Deactivate Anna Lindqvist (anna)? Access ends now.', ['Deactivate user', 'Cancel']],
    ]) {
        await run(command);
        const dialog = page.getByRole('dialog', { name: question });
        await dialog.waitFor();
        assert.equal(await dialog.innerText().then(text => text.split(question).length), 2, 'the question stands there once');
        assert.deepEqual(await dialog.getByRole('button').allTextContents(), [...buttons, '×'], command);
        let sent = 0;
        page.on('request', request => (sent += request.method() === 'POST'));
        await press('Escape');
        await focused('button', `Run ${command}`);
        await run(command);
        await dialog.getByRole('button', { name: 'Close' }).click();
        await dialog.waitFor({ state: 'detached' });
        assert.equal(sent, 0, command);
    }
    await run('About this server');
    await page.getByRole('button', { name: 'OK' }).click();
    await page.getByText('asked by admin (Administrator)').first().waitFor();
});

test('a destructive command has a red button with its name', async () => {
    await openUser(2);
    const colour = element => element.evaluate(element => getComputedStyle(element).backgroundColor);
    await run('Reset password');
    const button = page.getByRole('dialog').getByRole('button', { name: 'Reset password' });
    const red = await colour(button);
    assert.match(red, /^rgb\(168, 32, 26\)$/);
    await press('Escape');
    await run('About this server');
    assert.notEqual(await colour(page.getByRole('dialog').getByRole('button', { name: 'OK' })), red);
});

test('a command asks for its inputs, then its question, and both are recorded', async () => {
    isRefused = true;
    await openUser(3);
    await run('Assign');
    const form = page.getByRole('dialog', { name: 'Assign: Bjørn Haugen' });
    await form.waitFor();
    await focused('textbox', 'Reason');
    await assertAccessible(page, 'the inputs of a command');
    const hostile = '<img src=x onerror=alert(1)> {{ 1 }}';
    await page.keyboard.type(hostile);
    await form.getByLabel('Notes (optional)').fill('One\nTwo');
    await form.getByLabel('Days').fill('3');
    await form.getByLabel('Urgent').selectOption('Yes');
    await form.getByLabel('Until').fill('2030-02-28');
    await form.getByLabel('Kind').selectOption('Part time');
    await form.getByLabel('Manager').fill('Nobody');
    await form.getByLabel('New role').selectOption('Employee');
    await form.getByLabel('PIN').fill('4711-secret');
    assert.equal(await form.getByLabel('PIN').getAttribute('type'), 'password');
    assert.equal(await form.getByLabel('New group').inputValue(), '1', 'the default is chosen');
    await press('Enter');
    await form.getByText('No user with this name.').waitFor();
    await focused('combobox', 'Manager');
    assert.equal(await form.getByLabel('Manager').getAttribute('aria-invalid'), 'true');
    await assertAccessible(page, 'an error beside its field');
    await form.getByLabel('Manager').fill('anna');
    await form.getByLabel('New group').selectOption('Field sales');
    await press('Enter');
    const question = page.getByRole('dialog', { name: 'Assign bjorn to Field sales for 3 days?' });
    await question.waitFor();
    const shown = await question.innerText();
    for (const text of [hostile, 'One\nTwo', 'Part time', 'Yes', 'Employee', '••••']) assert.ok(shown.includes(text), `${text}: ${shown}`);
    assert.ok(!shown.includes('4711'), 'the secret is hidden');
    await question.getByRole('button', { name: 'Yes' }).click();
    await focused('heading', 'Succeeded Assign: Bjørn Haugen');
    await page.getByText(`Assigned: ${hostile}`).first().waitFor();
    const { executions } = await api('GET', '/_ext/executions?user=3&command=assign');
    assert.deepEqual(executions.map(({ outcome }) => outcome), ['succeeded', 'asked']);
    assert.deepEqual(executions[0].inputs.group, { id: 2, name: 'Field sales' });
    assert.equal(executions[0].inputs.pin, undefined);
    await visit(`#/executions/${executions[0].id}`);
    const inputs = page.locator('dl.inputs');
    await inputs.getByText('Part time').waitFor();
    await inputs.getByText(hostile).waitFor();
    await visit('#/users/3/history');
    await page.locator('dl.inputs').first().getByText('Field sales').waitFor();
    assert.equal(await page.locator('img').count(), 0, 'no text is markup');
});

test('an input that the server refuses has its error beside the field', async () => {
    isRefused = true;
    await openUser(3);
    await run('Assign');
    const form = page.getByRole('dialog', { name: 'Assign: Bjørn Haugen' });
    await form.getByLabel('Reason').fill('Long enough');
    await form.getByLabel('Days').fill('3');
    await form.getByLabel('Urgent').selectOption('No');
    await form.getByLabel('Until').fill('2030-02-28');
    await form.getByLabel('Kind').selectOption('Full time');
    await form.getByLabel('Manager').fill('5'); // Dora is retired
    await form.getByLabel('New role').selectOption('Employee');
    await form.getByLabel('PIN').fill('4711-secret');
    await press('Enter');
    await form.getByText('takes the id or name of an active user').waitFor();
    assert.equal(await form.getByLabel('Days').inputValue(), '3', 'what was typed is kept');
    await press('Escape');
    await focused('button', 'Run Assign');
    assert.deepEqual((await api('GET', '/_ext/executions?user=3&command=assign&caller=1&limit=1')).executions.length, 1);
});

test('a dry run changes nothing', async () => {
    await openUser(2);
    await page.getByRole('checkbox', { name: 'Dry run' }).check();
    await page.getByRole('button', { name: 'Dry run Set away' }).click();
    await focused('heading', 'Succeeded Set away: Anna Lindqvist');
    await page.getByText('Dry run: nothing was changed.').waitFor();
    assert.equal((await api('GET', '/_ext/executions?user=2&command=set-away')).executions.length, 0);
    await page.getByRole('checkbox', { name: 'Dry run' }).uncheck();
    await run('Set away');
    await page.getByText('Dry run: nothing was changed.').waitFor({ state: 'detached' });
    await focused('heading', 'Succeeded Set away: Anna Lindqvist');
    assert.equal((await api('GET', '/_ext/executions?user=2&command=set-away')).executions.length, 1);
});

test('a command that cannot run has its reason', async () => {
    await openUser(1);
    const { commands } = await api('GET', '/_ext/commands?user=1');
    const reason = name => commands.find(command => command.name === name).reason;
    const section = page.getByRole('region', { name: 'Unavailable commands' });
    const texts = await section.getByRole('listitem').allInnerTexts();
    const words = texts.map(text => text.replaceAll(/\s+/g, ' '));
    assert.deepEqual(words, [
        `Deactivate user Not permitted ${reason('deactivate')} deactivate`,
        `Reactivate user Not available ${reason('reactivate')} reactivate`,
        `Reset password Not permitted ${reason('reset-password')} reset-password`,
    ]);
});

test('a temporary password is shown once and must be changed', async () => {
    isRefused = true; // the temporary password is
    await openUser(4);
    await run('Reset password');
    await page.getByRole('dialog').getByRole('button', { name: 'Reset password' }).click();
    await page.getByText('Shown only once. Copy it now.').waitFor();
    const temporary = await page.locator('output').textContent();
    assert.match(temporary, /^\w{12,}$/);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), temporary);
    await page.getByRole('link', { name: 'Show in execution history' }).click();
    await page.getByRole('row', { name: /Succeeded Reset password Chris Taylor/ }).waitFor();
    assert.ok(!(await page.content()).includes(temporary));

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('You are logged out.').waitFor();
    assert.deepEqual((await page.context().cookies()).map(({ name }) => name), []);
    await logIn('chris', temporary);
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    await focused('textbox', 'New password');
    await page.keyboard.type('my own pass phrase');
    await press('Tab');
    await page.keyboard.type('my own pass phrase');
    await press('Enter');
    // Chris sees only the own user, and no webhooks.
    await page.getByRole('region', { name: 'Users' }).getByText('1 user', { exact: true }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Webhooks' }).count(), 0);
});

test('a login after the session ended leads back to the view', async () => {
    isRefused = true;
    await openUser(2);
    const { tickets } = await api('GET', '/_ext/tickets');
    for (const { id } of tickets.filter(({ kind }) => kind === 'Ticket')) await api('DELETE', `/_ext/tickets/${id}`);
    await run('Say hello');
    await page.getByText('Your session has ended. Log in to continue.').waitFor();
    await logIn('admin', password);
    await page.getByRole('heading', { name: 'Anna Lindqvist' }).waitFor();
    assert.equal(new URL(page.url()).hash, '#/users/2');
});

test('a wrong password shows an error with the request ID', async () => {
    isRefused = true;
    await page.goto(`${kommando.address}/_ext/console`);
    await logIn('admin', 'wrong');
    const alert = page.getByRole('alert');
    assert.match(await alert.innerText(), /Wrong user name or password\.\s+Status 401, request ID\s+[0-9a-f]{32}/);
    await page.getByLabel('Password').fill(password);
    await press('Enter');
    await page.getByText('5 users').waitFor();
});

test('a retry has the same idempotency key and runs once', async () => {
    isRefused = true;
    await openUser(2);
    const keys = [];
    await page.route('**/CustomCommand/hello*', async route => {
        keys.push(route.request().headers()['idempotency-key']);
        if (keys.length === 1) {
            await route.fetch(); // the server runs it, and the response is lost
            return route.abort();
        }
        return route.continue();
    });
    const before = (await api('GET', '/_ext/executions?user=2&command=hello')).executions.length;
    await run('Say hello');
    await page.getByRole('alert').getByText('Cannot reach the server.').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await focused('heading', 'Succeeded Say hello: Anna Lindqvist');
    assert.equal(keys.length, 2);
    assert.ok(keys[0] && keys[0] === keys[1]);
    assert.equal((await api('GET', '/_ext/executions?user=2&command=hello')).executions.length, before + 1);
    await run('Say hello');
    await page.waitForFunction(() => document.querySelector('.result'));
    await focused('heading', 'Succeeded Say hello: Anna Lindqvist');
    assert.notEqual(keys[2], keys[0], 'another run has another key');
});

test('a changed question is asked again', async () => {
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
    await page.getByText('deactivate · Runs immediately').waitFor();
    await run('Deactivate user');
    const dialog = page.getByRole('dialog', { name: 'Deactivate Anna Lindqvist (anna)?' });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await focused('heading', 'Declined Deactivate user: Anna Lindqvist');
});

test('the console is in the language of the browser', async () => {
    await check();
    ({ page, check } = await openPage(browser, kommando.address, { locale: 'nb-NO' }));
    await page.goto(`${kommando.address}/_ext/console#/users/2`);
    // The page loads its texts after the event `load`.
    await page.locator('html[lang="nb"]').waitFor({ state: 'attached' });
    await page.getByLabel('Brukernavn').fill('admin');
    await page.getByLabel('Passord').fill(password);
    await page.getByRole('button', { name: 'Logg inn' }).click();
    const heading = page.getByRole('heading', { name: 'Si hei' });
    assert.match(await heading.getAttribute('lang'), /^(nb|no)/);
    for (const link of ['Brukere', 'Grupper', 'Roller', 'Kjørehistorikk', 'Webhooker']) {
        await page.getByRole('navigation', { name: 'Meny' }).getByRole('link', { name: link }).waitFor();
    }
    await page.getByRole('button', { name: 'Kjør Si hei' }).click();
    await page.getByText('Hei, Anna Lindqvist!', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'Resultat' }).getByText('Vellykket').waitFor();
    await page.getByRole('button', { name: 'Kjør Deaktiver bruker' }).click();
    await page.getByRole('dialog', { name: 'Deaktivere Anna Lindqvist (anna)?' }).getByRole('button', { name: 'Avbryt' }).click();
    await page.getByText('Kommandoen ble ikke kjørt.', { exact: true }).waitFor();
});

test('another language can be chosen and is remembered', async () => {
    await openConsole('#/roles');
    await page.getByLabel('Language').selectOption('Deutsch');
    await page.getByRole('heading', { name: 'Rollen' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'de');
    assert.equal(await page.title(), 'Rollen – kommando');
    await page.reload();
    await page.getByRole('heading', { name: 'Rollen' }).waitFor();
    await page.getByLabel('Sprache').selectOption('English');
    await page.getByRole('heading', { name: 'Roles' }).waitFor();
});

test('a browser in an unknown language gets English', async () => {
    await check();
    ({ page, check } = await openPage(browser, kommando.address, { locale: 'fi-FI' }));
    await openConsole('#/groups');
    await page.getByRole('heading', { name: 'Groups' }).waitFor();
});

test('users are filtered by role and group', async () => {
    await openConsole('#/users');
    const list = page.getByRole('region', { name: 'Users' });
    await list.getByText('5 users').waitFor();
    await list.getByLabel('Role').selectOption('ExternalUser');
    await list.getByText('1 user', { exact: true }).waitFor();
    await list.getByRole('link', { name: 'Chris Taylor' }).waitFor();
    await list.getByLabel('Role').selectOption('All');
    await list.getByLabel('Group').selectOption('Field sales');
    await list.getByText('2 users').waitFor();
    await list.getByLabel('Search by name or e-mail').fill('haugen');
    await list.getByText('1 user', { exact: true }).waitFor();
    await list.getByLabel('Role').selectOption('Administrator');
    await list.getByText('No users found.').waitFor();
});

test('more users are loaded on demand', async () => {
    const all = Array.from({ length: 120 }, (_, index) => ({ associateDbId: 1000 + index, assocName: `u${index}`, userName: '', fullName: `User ${index}`, role: 'Employee', usergroup: 'Sales', isActive: true }));
    await page.route(/\/api\/v1\/User\?/, async route => {
        const query = new URL(route.request().url()).searchParams;
        const [top, skip] = [Number(query.get('$top')), Number(query.get('$skip'))];
        return route.fulfill({ json: { value: all.slice(skip, skip + top) } });
    });
    await openConsole('#/users');
    const list = page.getByRole('region', { name: 'Users' });
    await list.getByText('First 50 users').waitFor();
    await list.getByRole('button', { name: 'Show more' }).click();
    await list.getByText('First 100 users').waitFor();
    await focused('link', /^User 50 /);
    await list.getByRole('button', { name: 'Show more' }).click();
    await list.getByText('120 users').waitFor();
    assert.equal(await list.getByRole('listitem').count(), 120);
    assert.equal(await list.getByRole('button', { name: 'Show more' }).count(), 0);
});

test('a long list of commands can be searched', async () => {
    await openUser(2);
    const search = page.getByLabel('Search commands');
    await search.fill('password');
    await until(async () => (await page.locator('.command:visible').count()) === 1);
    await page.getByRole('button', { name: 'Run Reset password' }).waitFor();
    await search.fill('no such command');
    await page.getByText('No commands found.').waitFor();
    await search.fill('hello');
    await run('Say hello');
    await focused('heading', 'Succeeded Say hello: Anna Lindqvist');
    assert.equal(await page.locator('.command:visible').count(), 1, 'the search stays after a run');
});

test('rows are cards at 390 px', async () => {
    for (const user of [2, 3]) await api('POST', `/api/v1/User/${user}/CustomCommand/hello`);
    await api('POST', '/api/v1/User/2/CustomCommand/tell');
    await page.setViewportSize({ width: 390, height: 844 });
    await openConsole('#/executions');
    for (const [hash, name, label] of [
        ['#/executions', 'Execution history', 'Message'],
        ['#/users/2/history', 'History: Anna Lindqvist', 'Via'],
        ['#/webhooks', 'Webhooks', 'Target'],
        ['#/groups', 'Groups', 'Rank'],
        ['#/roles', 'Roles', 'Rights'],
    ]) {
        await visit(hash);
        const row = page.getByRole('table', { name }).getByRole('row').nth(1);
        await row.waitFor();
        const cells = await row.locator('td:not(.blank)').evaluateAll(cells =>
            cells.map(cell => ({ label: getComputedStyle(cell, '::before').content, top: cell.getBoundingClientRect().top })),
        );
        assert.ok(cells.some(cell => cell.label === `"${label}"`), `${hash}: ${cells.map(({ label }) => label)}`);
        cells.slice(1).forEach(({ top }, index) => assert.ok(top > cells[index].top, `${hash}: cells are not below each other`));
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${hash} is ${overflow}px too wide`);
    }
});

test('an administrator reads the definition of an execution', async () => {
    const file = join(folder, 'commands.d/travel.yaml');
    await api('POST', '/api/v1/User/2/CustomCommand/travel?actionResult=Yes');
    const [execution] = (await api('GET', '/_ext/executions?command=travel')).executions;
    await openConsole(`#/executions/${execution.id}`);
    await page.getByText('In force:').waitFor();
    await page.getByRole('link', { name: execution.definitionHash }).click();
    await page.getByRole('heading', { name: 'Definition: travel' }).waitFor();
    assert.equal(await page.getByRole('region', { name: 'YAML' }).textContent(), TRAVEL);
    await page.getByText(execution.definitionHash).waitFor();
    await page.getByRole('link', { name: /Execution$/ }).click();
    await page.getByText('In force:').waitFor();

    await writeFile(file, TRAVEL.replace('Gone', 'Away'));
    await until(async () => (await api('GET', '/_ext/commands/travel/definition')).text.includes('Away'));
    await page.reload();
    await page.getByText('Older version, changed since:').waitFor();
    assert.equal(await page.getByRole('link', { name: execution.definitionHash }).count(), 0);
    await page.getByRole('link', { name: 'Show the definition in force' }).click();
    await page.getByText('The execution used an older version.').waitFor();
    await page.getByRole('region', { name: 'YAML' }).getByText('Away').waitFor();
    await writeFile(file, TRAVEL);
    await until(async () => (await api('GET', '/_ext/commands/travel/definition')).hash === execution.definitionHash);
});

test('the execution history has filters and pages', async () => {
    for (let index = 0; index < 60; index++) await api('POST', '/api/v1/User/5/CustomCommand/hello');
    await openConsole('#/executions');
    await page.getByLabel('User', { exact: true }).fill('Dora Nilsen');
    await page.getByLabel('Command').selectOption('Say hello');
    await page.getByLabel('Outcome').selectOption('Succeeded');
    await page.getByLabel('From', { exact: true }).fill('2026-01-01T00:00');
    const answer = page.waitForResponse(/executions\?user=5/);
    await page.getByRole('button', { name: 'Filter' }).click();
    await answer;
    const rows = page.getByRole('row', { name: /Say hello Dora Nilsen/ });
    await until(async () => (await rows.count()) === 50);
    assert.match(page.url(), /from=2025-12-31T23%3A00%3A00.000Z/, 'times are in the time zone of the browser');
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByText('End of the list.').waitFor();
    assert.equal(await rows.count(), 60);
    assert.ok(await rows.nth(50).getByRole('link').first().evaluate(link => link === document.activeElement));

    await page.getByLabel('User', { exact: true }).fill('no-such-user');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.waitForFunction(() => document.querySelector('input[name=user]').validationMessage.startsWith('No user with this name'));
    await page.getByLabel('User', { exact: true }).fill('');
    await page.getByLabel('Outcome').selectOption('Unknown');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No executions match these filters.').waitFor();
});

test('the filtered execution history is downloaded as CSV', async () => {
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

test('a download has all pages and one line of columns', async () => {
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

test('the filtered execution history is downloaded as JSON Lines', async () => {
    await api('POST', '/api/v1/User/3/CustomCommand/hello');
    await openConsole('#/executions?user=3&command=hello');
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download JSON Lines' }).click();
    const download = await waiting;
    assert.equal(download.suggestedFilename(), 'executions.jsonl');
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n').map(line => JSON.parse(line));
    const { executions } = await api('GET', '/_ext/executions?user=3&command=hello');
    assert.deepEqual(lines, executions);
});

test('an administrator creates and edits groups and users', async () => {
    isRefused = true; // the name is taken
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
    await page.getByRole('checkbox', { name: 'Active (can log in)' }).uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: /Eva Berg Retired/ }).waitFor();
    const edited = await api('GET', '/api/v1/User/eva');
    assert.deepEqual([edited.Person.Title, edited.Person.Lastname, edited.OtherGroups, edited.Deleted], ['Engineer', 'Berg', [], true]);
    // The other tests count five users.
    await api('POST', '/_ext/demo/reset');
});

test('the history of a user has all that happened, newest first', async () => {
    await openConsole('#/users/new');
    await focused('textbox', 'Name');
    await page.getByLabel('Name', { exact: true }).fill('eva');
    await page.getByLabel('First name').fill('<b>Eva</b>');
    await page.getByLabel('Role').selectOption('UserAdmin');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: '<b>Eva</b>' }).waitFor();
    await page.getByRole('link', { name: 'Edit' }).click();
    await focused('textbox', 'Name');
    await page.getByLabel('Role').selectOption('ExternalUser');
    await page.getByLabel('E-mail').fill('eva@example.com');
    await page.getByRole('button', { name: 'Save' }).click();
    await run('Deactivate user');
    await page.getByRole('dialog').getByRole('button', { name: 'Deactivate user' }).click();
    await focused('heading', 'Succeeded Deactivate user: <b>Eva</b>');
    const { AssociateId: id } = await api('GET', '/api/v1/User/eva');
    await api('PUT', `/api/v1/User/${id}`, { body: { Deleted: false } });
    await kommando.issueTicket('eva');

    await page.getByRole('link', { name: 'History', exact: true }).click();
    await focused('heading', 'History: <b>Eva</b>');
    const happened = async () => {
        const rows = await page.getByRole('table').getByRole('row').allInnerTexts();
        return rows.slice(1).map(row => row.split(/\s*\t\s*/).slice(1).map(cell => cell.replaceAll(/\s+/g, ' ')));
    };
    const [ticket, ...others] = await happened();
    assert.match(ticket.join('|'), /^\S+ \(operating system\)\|Command line\|Ticket issued\|$/);
    const created = 'Name: eva User type: Employee Active: Yes Presence: Normal Role: UserAdmin Group: Head office';
    assert.match(others.at(-1)[3], new RegExp(`^${created} Person ID: \\d+ First name: <b>Eva</b>$`));
    assert.deepEqual(others.map(cells => cells.slice(0, 3).join('|')), [
        'Ada Admin|REST API|User reactivated',
        'Ada Admin|Console|Execution: Deactivate user',
        'Ada Admin|Console|User changed',
        'Ada Admin|Console|Password set',
        'Ada Admin|Console|User created',
    ]);
    assert.deepEqual(others.slice(0, 4).map(cells => cells[3]), [
        'Active: No → Yes Person retired: Yes → No',
        'Succeeded <b>Eva</b> no longer has access. Active: Yes → No Person retired: No → Yes',
        'Role: UserAdmin → ExternalUser E-mail: empty → eva@example.com',
        '',
    ]);
    await page.getByRole('img', { name: 'changed to' }).first().waitFor();
    await assertAccessible(page, 'a history');

    const download = async button => {
        const waiting = page.waitForEvent('download');
        await page.getByRole('button', { name: button }).click();
        const file = await waiting;
        return [file.suggestedFilename(), (await readFile(await file.path(), 'utf8')).trimEnd().split(/\r?\n/)];
    };
    const [csvName, csv] = await download('Download CSV');
    assert.deepEqual([csvName, csv.length], ['history-eva.csv', 7]);
    assert.match(csv[0], /^\ufeffid,time,action,actorId,/);
    const [linesName, lines] = await download('Download JSON Lines');
    assert.equal(linesName, 'history-eva.jsonl');
    assert.deepEqual(lines.map(line => JSON.parse(line).action), [
        'ticket.issued', 'user.reactivated', 'command.executed', 'user.updated', 'password.set', 'user.created',
    ]);

    await page.getByRole('link', { name: 'Deactivate user' }).click();
    await page.getByRole('heading', { name: 'Deactivate user' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: 'set_deleted' }).getByText('Active: Yes → No').waitFor();

    // Eva sees the own history, and no other user.
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn('eva', password);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    await visit(`#/users/${id}/history`);
    await page.getByRole('row', { name: /admin Console User changed Role: UserAdmin/ }).waitFor();
    assert.equal((await happened()).length, 6);
    assert.equal(await page.getByRole('row').getByRole('link').count(), 0, 'neither the administrator nor the execution is hers to see');
    await visit('#/users/1/history');
    await page.getByRole('heading', { name: 'User 1 does not exist, or you may not see it.' }).waitFor();
    await api('POST', '/_ext/demo/reset');
});

test('who manages users sees the own actions on others', async () => {
    await api('PUT', '/api/v1/User/3', { body: { Role: { Value: 'UserAdmin' } } });
    await api('PUT', '/api/v1/User/2', { body: { NickName: 'Annie' }, user: 'bjorn' });
    await openConsole('#/users/2/history', 'bjorn');
    await page.getByText('You see only your own actions on this user.').waitFor();
    await page.getByRole('row', { name: /Bjørn Haugen REST API User changed Nickname: empty changed to Annie/ }).waitFor();
    assert.equal(await page.getByRole('row').count(), 2);
    await api('POST', '/_ext/demo/reset');
});

test('the history of a user has filters and pages', async () => {
    for (let index = 0; index < 60; index++) await api('POST', '/api/v1/User/4/CustomCommand/hello');
    await api('PUT', '/api/v1/User/4', { body: { Person: { Title: 'Guide' } } });
    await openConsole('#/users/4/history');
    await page.getByRole('row', { name: /User changed Title: .* Guide/ }).waitFor();
    await page.getByLabel('Action').selectOption('Execution');
    await page.getByLabel('Via').selectOption('REST API');
    await page.getByLabel('From', { exact: true }).fill('2026-01-01T00:00');
    const answer = page.waitForResponse(/audit\?action=command.executed&way=rest&from=2025-12-31T23%3A00%3A00.000Z&subject=4/);
    await page.getByRole('button', { name: 'Filter' }).click();
    await answer;
    const rows = page.getByRole('row', { name: /Execution: Say hello Succeeded/ });
    await until(async () => (await rows.count()) === 50);
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByText('End of the list.').waitFor();
    assert.ok((await rows.count()) >= 60);
    assert.ok(await rows.nth(50).getByRole('link').first().evaluate(link => link === document.activeElement));
    await page.getByLabel('Action').selectOption('Password removed');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('No entries match these filters.').waitFor();
    await page.getByRole('link', { name: 'Clear' }).click();
    await page.getByRole('row', { name: /User changed Title: .* Guide/ }).waitFor();
    await visit('#/users/5/history');
    await page.getByText('Nothing is recorded for this user yet.').waitFor();
});

test('the last administrator keeps the role', async () => {
    isRefused = true;
    await openConsole('#/users/1/edit');
    await page.getByLabel('Role').selectOption('Employee');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('This is the last administrator who can log in').waitFor();
    assert.equal((await api('GET', '/api/v1/User/1')).Role.Value, 'Administrator');
});

test('only administrators see roles and their rights', async () => {
    await openConsole('#/roles');
    await page.getByRole('row', { name: /UserAdmin Employee 25 manage-users read-users/ }).waitFor();
    await page.getByRole('row', { name: /ExternalUser External user 10 –/ }).waitFor();
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
    accepts = false;
    await api('POST', '/api/v1/User/2/CustomCommand/tell');
    await until(async () => (await api('GET', '/_ext/webhooks?state=dead')).webhooks.length === 1);
    await openConsole('#/webhooks');
    const row = page.getByRole('row', { name: /hr Dead/ });
    await row.getByText('410').waitFor();
    accepts = true;
    await row.getByRole('button', { name: 'Send again' }).click();
    await page.getByRole('status').getByText('The webhook to hr is sent again.').waitFor();
    await until(async () => (await api('GET', '/_ext/webhooks?state=delivered')).webhooks.length === 1);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('row', { name: /hr Delivered/ }).waitFor();
});

test('after an unknown outcome, running again asks first', async () => {
    isRefused = true; // the target fails
    failing = true;
    await openUser(3);
    await run('Ask HR');
    await focused('heading', 'Unknown Ask HR: Bjørn Haugen');
    const alert = page.getByRole('alert');
    await alert.getByText('The target `hr` was called, but it answered with status 500').waitFor();
    await page.getByText('The target system was called but gave no usable answer').waitFor();
    [failing, accepts] = [false, true];
    await run('Ask HR');
    const dialog = page.getByRole('dialog', { name: 'The outcome of the last execution is unknown' });
    await dialog.locator('#again-why').getByText('check there before you run the command again').waitFor();
    await focused('button', 'Cancel');
    await press('Enter');
    await dialog.waitFor({ state: 'detached' });
    const runs = async () => (await api('GET', '/_ext/executions?user=3&command=ask')).executions.length;
    assert.equal(await runs(), 1);
    await run('Ask HR');
    await dialog.getByRole('button', { name: 'Run again' }).click();
    await focused('heading', 'Succeeded Ask HR: Bjørn Haugen');
    assert.equal(await runs(), 2);
    await page.getByRole('link', { name: 'Show in execution history' }).click();
    await page.getByRole('row', { name: /Unknown Ask HR/ }).getByRole('link').first().click();
    await page.getByText('The target system was called but gave no usable answer').waitFor();
});

test('administrators see why a definition is not in force', async () => {
    const file = join(folder, 'commands.d/tell.yaml');
    await writeFile(file, TELL.replace('webhook', 'webhok'));
    const failed = async () => (await api('GET', '/_ext/commands')).failedReload;
    await until(failed);
    await openUser(2);
    const section = page.getByRole('region', { name: 'Changed definitions are not in force' });
    await section.getByText('did you mean `webhook`?').waitFor();
    await assertAccessible(page, 'a failed reload');
    await writeFile(file, TELL);
    await until(async () => !(await failed()));
    await page.reload();
    await page.getByText('Available commands', { exact: true }).waitFor();
    assert.equal(await section.count(), 0);
});

for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
        test(`every view is accessible, ${colorScheme} and ${size}`, async () => {
            isRefused = true;
            await api('POST', '/api/v1/User/2/CustomCommand/tell'); // creates a webhook
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
            await look('login');
            await page.getByLabel('Password').fill(password);
            await press('Enter');
            await page.getByText('5 users').waitFor();
            await look('users');
            await visit('#/users/2');
            await page.getByRole('heading', { name: 'Anna Lindqvist' }).waitFor();
            await look('user');
            await run('Deactivate user');
            await look('question');
            await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
            await focused('heading', 'Declined Deactivate user: Anna Lindqvist');
            await look('declined');
            await run('Assign');
            await page.getByRole('dialog', { name: 'Assign: Anna Lindqvist' }).waitFor();
            await look('inputs');
            await press('Escape');
            await page.getByRole('checkbox', { name: 'Dry run' }).check();
            await page.getByRole('button', { name: 'Dry run Say hello' }).click();
            await focused('heading', 'Succeeded Say hello: Anna Lindqvist');
            await look('succeeded');
            await visit('#/users/4711');
            await page.getByText('User 4711 does not exist').waitFor();
            await look('no-user');
            await visit('#/users/2/history');
            await page.getByRole('row').nth(1).waitFor();
            await look('history');
            await visit('#/users/2/edit');
            await page.getByRole('heading', { name: 'Edit user: Anna Lindqvist' }).waitFor();
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
            await visit('#/commands/deactivate/definition');
            await page.getByRole('region', { name: 'YAML' }).waitFor();
            await look('definition');
            await visit('#/webhooks');
            await page.getByRole('row', { name: /hr/ }).first().waitFor();
            await look('webhooks');
            await visit('#/executions?outcome=unknown&command=hello');
            await page.getByText('No executions match').waitFor();
            await look('nothing');
            await visit('#/password');
            await page.getByRole('heading', { name: 'Change password' }).waitFor();
            await look('password');
            await page.route('**/_ext/executions*', route => route.fulfill({ status: 503, headers: { 'X-Request-Id': 'x' }, json: { detail: 'The server cannot answer now. Try again.' } }));
            await visit('#/executions');
            await page.getByRole('alert').getByText('Server error').waitFor();
            await look('trouble');
        });
    }
}

const press = key => page.keyboard.press(key);
const visit = hash => page.evaluate(hash => (location.hash = hash), hash);
const run = command => page.getByRole('button', { name: `Run ${command}` }).click();

async function logIn(user, password) {
    await page.getByLabel('User name').fill(user);
    await page.getByLabel('Password').fill(password);
    await press('Enter');
}

async function openConsole(hash, user = 'admin') {
    await page.goto(`${kommando.address}/_ext/console${hash}`);
    await logIn(user, password);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
}

async function openUser(id) {
    await openConsole(`#/users/${id}`);
    await page.getByText('Available commands', { exact: true }).waitFor();
}

/** Waits until the element with this role and name has the focus. */
async function focused(role, name) {
    const options = typeof name === 'string' ? { name, exact: true } : { name };
    await page.getByRole(role, options).and(page.locator(':focus')).waitFor({ timeout: 10_000 });
}

/** Presses Tab until this element has the focus. */
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

/** Calls the server without the page. */
async function api(method, path, { body, user = 'admin' } = {}) {
    const credentials = Buffer.from(`${user}:${password}`).toString('base64');
    const headers = { Authorization: `Basic ${credentials}`, 'Accept-Language': 'en', ...(body && { 'Content-Type': 'application/json' }) };
    const response = await fetch(kommando.address + path, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.status === 204 ? null : response.json();
}
