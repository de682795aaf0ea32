// The agents of the vendor's client against a running server.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { password, serveDemo } from '../../browser/kommando.mjs';

// Node cannot load the package's ES modules, which import files without extensions; the CommonJS modules work.
const client = createRequire(import.meta.url)('@superoffice/webapi');

const { CommandActionResult, EjUserStatus, RoleType, UserType } = client;

let server;

before(async () => {
    server = await serveDemo(process.env.BINARY);
});

after(() => server?.stop());

/** The operations called by the tests, such as `User/GetUser`. */
const called = new Set();

/** The operation of a method. */
const operationOf = (method) => method[0].toUpperCase() + method.slice(1, -'Async'.length);

const recording = (name, agent) => new Proxy(agent, {
    get(target, method) {
        if (String(method).endsWith('Async')) called.add(`${name}/${operationOf(String(method))}`);
        return Reflect.get(target, method);
    },
});

/** The methods of the client that return the agents of this server. */
const agents = { User: 'getUserAgent', MDO: 'getMDOAgent', Associate: 'getAssociateAgent', Archive: 'getArchiveAgent' };

/** An agent of a user with a password. */
function agentOf(user, options = {}, secret = password, name = 'User') {
    const webapi = new client.WebApi({ baseUrl: `${server.address}/api`, ...options });
    webapi.authenticateWithPassword(user, secret);
    return recording(name, webapi[agents[name]]());
}

/** Asserts that a call is refused with this status and error type. */
async function isRefused(call, status, type) {
    await assert.rejects(call, (error) => {
        assert.equal(error.response.status, status);
        assert.equal(error.response.data.Error, true);
        assert.equal(error.response.data.ErrorType, type);
        assert.ok(error.response.data.Message);
        return true;
    });
}

test('passwords and tickets are accepted, and wrong ones refused', async () => {
    const anna = await agentOf('anna').getUserAsync(2);
    assert.equal(anna.person.fullName, 'Anna Lindqvist');
    const webapi = new client.WebApi({ baseUrl: `${server.address}/api` });
    webapi.authenticateWithTicket(await server.issueTicket('anna'));
    assert.equal((await webapi.getUserAgent().getUserAsync(2)).name, 'anna');
    await isRefused(agentOf('anna', {}, 'wrong').getUserAsync(2), 401, 'SoSessionException');
});

test('a user is created, changed and deleted', async () => {
    const admin = agentOf('admin');
    const user = await admin.createDefaultUserAsync();
    assert.equal(user.associateId, 0);
    assert.equal(user.type, UserType.InternalAssociate);
    user.name = 'eva';
    user.person.firstname = 'Eva';
    user.person.lastname = 'Dahl';
    assert.deepEqual({ ...(await admin.validateUserAsync(user)) }, {});

    const saved = await admin.saveUserAsync(user);
    assert.ok(saved.associateId > 0);
    assert.equal(saved.person.fullName, 'Eva Dahl');
    const errors = await admin.validateUserAsync({ ...user, associateId: 0 });
    assert.equal(errors.Name, '`eva` is another user\'s Name or UserName');
    assert.equal(await admin.setPasswordAsync(saved.associateId, 'the first one'), true);
    assert.equal((await agentOf('eva', {}, 'the first one').getUserFromNameAsync('eva')).associateId, saved.associateId);

    const commands = await admin.getUserCommandsAsync({ user: saved });
    assert.ok(commands.some((command) => command.name === 'deactivate'));
    const answers = [
        [CommandActionResult.Implicit, false, CommandActionResult.Implicit],
        [CommandActionResult.No, false, CommandActionResult.No],
        [CommandActionResult.Cancel, false, CommandActionResult.Cancel],
        [CommandActionResult.Ok, false, CommandActionResult.Implicit],
        [CommandActionResult.Yes, true, CommandActionResult.Yes],
    ];
    for (const [answer, success, result] of answers) {
        const ran = await admin.ExecuteUserCommandAsync({ commandName: 'deactivate', actionResult: answer, user: saved });
        assert.equal(ran.success, success);
        assert.equal(ran.result, result);
    }
    assert.equal((await admin.getUserAsync(saved.associateId)).deleted, true);

    await admin.makeRetiredAsync(saved.associateId, false);
    const present = await admin.setUserPresenceStatusAsync(saved.associateId, {
        status: EjUserStatus.StatusNotAvailable,
        message: 'Lunch',
    });
    assert.equal(present.status, EjUserStatus.StatusNotAvailable);
    assert.equal((await admin.getUserPresenceStatusAsync(saved.associateId)).message, 'Lunch');

    const renamed = await admin.saveUserAsync({ ...(await admin.getUserAsync(saved.associateId)), tooltip: 'New here' });
    assert.equal(renamed.tooltip, 'New here');
    assert.equal((await admin.saveUserFromNameAsync('eva', { ...renamed, nickName: 'Ev' })).nickName, 'Ev');
    await admin.deleteUserAsync(saved.associateId);
    assert.equal((await admin.getUserAsync(saved.associateId)).deleted, true);
    await admin.makeRetiredAsync(saved.associateId, false);
    await admin.deleteUserFromNameAsync('eva');
    assert.equal((await admin.getUserInfoAsync(saved.associateId)).canLogon, false);
});

test('missing objects are null, and lists are empty', async () => {
    const admin = agentOf('admin');
    assert.equal(await admin.getUserAsync(4711), null);
    assert.equal(await admin.getUserFromNameAsync('absent'), null);
    assert.deepEqual(await admin.getUserFromPersonIdAsync(4711), []);
    assert.equal(await admin.getUserGroupAsync(4711), null);
    assert.equal(await admin.getRoleAsync(4711), null);
    assert.equal(await admin.getRoleEntityAsync(4711), null);
    assert.equal(await admin.getUserInfoAsync(4711), null);
});

test('defaults, types and persons', async () => {
    const admin = agentOf('admin');
    const external = await admin.createDefaultUserFromUserTypeAsync(UserType.ExternalAssociate);
    assert.equal(external.role.value, 'ExternalUser');
    const person = (await admin.getUserAsync(2)).person.personId;
    const second = await admin.createDefaultUserFromUserTypeAndPersonIdAsync(UserType.InternalAssociate, person);
    assert.equal(second.person.fullName, 'Anna Lindqvist');
    const chris = await admin.getUserFromNameAsync('chris');
    assert.equal((await admin.changeUserTypeAsync(chris, UserType.InternalAssociate)).role.value, 'Employee');
    assert.equal((await admin.changeUserTypeAsync(chris, UserType.ExternalAssociate)).type, UserType.ExternalAssociate);
});

test('passwords and credentials', async () => {
    const admin = agentOf('admin');
    assert.equal((await admin.getCredentialTypesAsync())[0].type, 'CRM5/PASSWORD');
    const types = await admin.getCredentialTypesForUserTypeAsync(UserType.InternalAssociate);
    assert.equal(types[0].type, 'CRM5/PASSWORD');
    const credential = { type: types[0], value: 'the saved one' };
    assert.equal(await admin.saveCredentialAsync(3, credential), true);
    const bjorn = agentOf('bjorn', {}, 'the saved one');
    assert.equal(await bjorn.changeOwnPasswordAsync('wrong', 'my own password'), false);
    assert.equal(await bjorn.changeOwnPasswordAsync('the saved one', 'my own password'), true);
    assert.equal(await admin.changePasswordAsync(3, 'my own password', 'the next password'), true);
    assert.equal(await admin.changePasswordFromNameAsync('bjorn', 'the next password', 'the last password'), true);
    assert.equal(await admin.setPasswordFromNameAsync('bjorn', 'the set password'), true);
    assert.ok((await admin.setGeneratedPasswordAsync(3)).length > 10);
    const generated = await admin.setGeneratedPasswordFromNameAsync('bjorn');
    assert.equal((await agentOf('bjorn', {}, generated).getUserAsync(3)).name, 'bjorn');
    assert.equal(await admin.canChangePasswordAsync(3), true);
    assert.equal((await admin.getSupportedChangePasswordTypesAsync(3)).length, 1);
    assert.equal(await admin.isPasswordValidAsync(3, UserType.InternalAssociate, 0, password), true);
    const told = await admin.isPasswordValidWithReasonAsync(3, UserType.InternalAssociate, 0, '');
    assert.deepEqual([told.result, told.reason], [false, 'it has fewer than 12 characters']);
    assert.equal(await admin.deleteCredentialAsync(3, 'CRM5/PASSWORD'), true);
});

test('names', async () => {
    const admin = agentOf('admin');
    assert.equal(await admin.isUserNameValidAsync(0, UserType.InternalAssociate, 0, 'anna'), false);
    const told = await admin.isUserNameValidWithReasonAsync(0, UserType.InternalAssociate, 0, 'fredrik');
    assert.equal(told.result, true);
    assert.equal(await admin.getValidUserNameAsync(0, UserType.InternalAssociate, 0, 'anna'), 'anna2');
    const user = { ...(await admin.createDefaultUserAsync()), userName: 'fredrik@example.com' };
    assert.equal(await admin.getValidUserNameForNewUserAsync(user), 'fredrik@example.com');
    user.person = { ...user.person, firstname: 'Fredrik', lastname: 'Berg' };
    assert.equal(await admin.getDefaultAssociateUserNameAsync(user), 'fredrikberg');
    assert.equal(await admin.isNickNameUniqueAsync(0, 'unused'), true);
});

test('groups', async () => {
    const admin = agentOf('admin');
    const group = await admin.createUserGroupAsync();
    group.value = 'Support';
    const saved = await admin.saveUserGroupAsync(group);
    assert.equal((await admin.getUserGroupAsync(saved.id)).value, 'Support');
    assert.deepEqual((await admin.getUserGroupListAsync([saved.id])).map((one) => one.value), ['Support']);
    await admin.deleteUserGroupAsync(saved.id, 1);
    assert.ok(!(await admin.getAllUserGroupsAsync(false)).some((one) => one.value === 'Support'));
    assert.ok((await admin.getAllUserGroupsAsync(true)).some((one) => one.value === 'Support'));
});

test('roles and rights', async () => {
    const admin = agentOf('admin');
    assert.equal((await admin.createDefaultRoleEntityAsync()).roleType, RoleType.Employee);
    const role = await admin.createDefaultRoleEntityFromTypeAsync(RoleType.ExternalUser);
    role.name = 'Partner';
    const saved = await admin.saveRoleEntityAsync(role);
    assert.equal((await admin.getRoleAsync(saved.roleId)).value, 'Partner');
    assert.equal((await admin.getRoleEntityAsync(saved.roleId)).roleType, RoleType.ExternalUser);
    const [right] = await admin.getAllFunctionalRightsAsync(RoleType.ExternalUser);
    await admin.setFunctionalRightsAsync(saved.roleId, [right.id]);
    assert.deepEqual((await admin.getFunctionalRightsAsync(saved.roleId)).map((one) => one.name), [right.name]);
    assert.ok((await admin.findRolesWithFunctionalRightAsync(right.name)).some((one) => one.id === saved.roleId));
    assert.ok((await admin.findRolesWithFunctionalRightsAsync([right.name])).includes(saved.roleId));
    assert.ok(!(await admin.findRolesWithoutFunctionalRightsAsync([right.name])).includes(saved.roleId));
    assert.ok((await admin.getAllRolesAsync(RoleType.ExternalUser)).some((one) => one.id === saved.roleId));
    await admin.deleteRoleAsync(saved.roleId, 3);
    assert.equal(await admin.getRoleAsync(saved.roleId), null);
});

test('user infos', async () => {
    const admin = agentOf('admin');
    assert.equal((await admin.getUserInfoAsync(2)).userName, 'anna');
    assert.deepEqual((await admin.getUserInfoListAsync([2, 4])).map((one) => one.userName), ['anna', 'chris']);
});

test('languages and time zones from the client options', async () => {
    const command = async (options) => {
        const commands = await agentOf('admin', options).getUserCommandsAsync({ user: { associateId: 2 } });
        return commands.find((one) => one.name === 'deactivate').displayName;
    };
    assert.equal(await command({ languageCode: 'en' }), 'Deactivate user');
    assert.equal(await command({ languageCode: 'nb' }), 'Deaktiver bruker');
    assert.equal(await command({ languageCode: '' }), 'NO:"Deaktiver bruker";US:"Deactivate user"');
    await server.issueTicket('anna');
    // The command line is another process: the server sees its changes within a second.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const login = async (options) => (await agentOf('admin', options).getUserAsync(2)).lastlogin.valueOf();
    const utc = await login({ timezone: 'UTC', timezoneInclude: true });
    assert.equal(await login({ timezone: 'NO', timezoneInclude: true }), utc);
    assert.ok(Math.abs(Date.now() - utc) < 60_000);
});

test('errors', async () => {
    const admin = agentOf('admin');
    await isRefused(admin.saveUserAsync({ name: 'anna' }), 400, 'SoValidationException');
    await isRefused(admin.getUserCommandsAsync({ user: { associateId: 4711 } }), 404, 'SoNotFoundException');
    const nope = admin.ExecuteUserCommandAsync({ commandName: 'nope', user: { associateId: 2 } });
    await isRefused(nope, 400, 'ArgumentException');
    await isRefused(admin.deleteUserAsync(1), 403, 'SoIllegalOperationException');
    await isRefused(agentOf('anna').deleteUserAsync(3), 403, 'SoIllegalOperationException');
    await isRefused(admin.getAccessGatewayInfoAsync(), 501, 'SoNotImplementedException');
});

test('lists to choose from', async () => {
    const mdo = agentOf('anna', {}, password, 'MDO');
    const names = (items) => items.map((item) => item.name);
    assert.deepEqual(await mdo.getListNamesAsync(), ['associate', 'functionrights', 'roles', 'usergroup']);
    const users = await mdo.getSimpleListAsync('associate');
    assert.ok(names(users).includes('Anna Lindqvist'));
    const groups = await mdo.getListAsync('Associate', false, '', false);
    assert.deepEqual(groups.flatMap((group) => names(group.childItems)).sort(), names(users).sort());
    assert.deepEqual(names(await mdo.getListWithRestrictionAsync('associate', '', 'lind')), ['Anna Lindqvist']);
    assert.deepEqual(names(await mdo.getListWithHistoryAsync('associate', true, '', [3, 2], true)), ['Bjørn Haugen', 'Anna Lindqvist']);
    assert.equal((await mdo.getListItemAsync('associate', 2)).name, 'Anna Lindqvist');
    assert.equal(await mdo.getListItemAsync('associate', 4711), null);
    assert.deepEqual(names(await mdo.getSelectableSimpleListAsync('usergroup')), names(await mdo.getSimpleListAsync('usergroup')));
    assert.deepEqual(names(await mdo.getSelectableListAsync('roles', true, '1', false)), ['ExternalUser']);
    assert.deepEqual(names(await mdo.getSelectableListWithHistoryAsync('associate', true, '', [], true)), []);
    const rights = await mdo.getSelectableListWithRestrictionAsync('functionrights', 'role=2', 'read');
    assert.deepEqual(rights.map((right) => [right.name, right.selected]), [['read-users', true]]);
    await isRefused(mdo.getSimpleListAsync('category'), 501, 'SoNotImplementedException');
});

test('associates', async () => {
    const associates = agentOf('anna', {}, password, 'Associate');
    const anna = await associates.getAssociateAsync(2);
    assert.equal(anna.fullName, 'Anna Lindqvist');
    assert.equal(await associates.getAssociateAsync(4711), null);
    assert.equal((await associates.getAssociateByPersonIdAsync(anna.personId)).name, 'anna');
    assert.deepEqual((await associates.getAssociateListAsync([3, 2, 4711])).map((one) => one.name), ['anna', 'bjorn']);
    assert.ok((await associates.getAssociatesByGroupAsync(anna.groupIdx, 2)).some((one) => one.name === 'anna'));
});

test('archives', async () => {
    const archive = agentOf('anna', {}, password, 'Archive');
    assert.ok((await archive.getProviderNamesAsync()).includes('InternalUsers'));
    const columns = await archive.getAvailableColumnsAsync('InternalUsers', '');
    assert.ok(columns.some((column) => column.name === 'associateDbId' && column.canOrderBy));
    assert.equal((await archive.getAvailableEntitiesAsync('InternalUsers', ''))[0].name, 'all');
    // Other tests make users.
    const restriction = { name: 'associateDbId', operator: 'between', values: ['2', '5'], isActive: true };
    const sortOrder = [{ name: 'associateDbId', direction: 'DESC' }];
    const rows = await archive.getArchiveListByColumnsAsync(
        'InternalUsers', ['fullName', 'isActive'], sortOrder, [restriction], ['all'], 0, 1_000_000,
    );
    assert.deepEqual(rows.map((row) => row.primaryKey), [5, 3, 2]);
    assert.equal(rows[2].columnData.fullName.displayValue, 'Anna Lindqvist');
    const texts = await archive.getArchiveListByColumns2Async(
        'InternalUsers', 'fullName', 'associateDbId', "fullName begins 'Anna'", 'all', 0, 10,
    );
    assert.deepEqual(texts.map((row) => row.columnData.fullName.displayValue), ['Anna Lindqvist']);
});

test('external users, and users found or made', async () => {
    const admin = agentOf('admin');
    const id = await admin.createExternalUserAsync(0, 'guest@example.com', 'a long password', 0, true);
    assert.equal((await admin.getUserAsync(id)).type, UserType.ExternalAssociate);
    const { UserName, Password } = client.ExternalUserInfoModification;
    await admin.setExternalUserInfoAsync(id, 'guest@example.com', 'another password', true, 0, UserName | Password);
    const guest = agentOf('guest@example.com', {}, 'another password');
    assert.ok((await guest.getAccessTokenAsync('', false)).startsWith('8A:'));
    assert.ok((await admin.generateNewPasswordForExternalUserAsync('guest@example.com')).length > 10);
    await admin.deleteExternalUserAsync(id);
    assert.equal((await admin.getUserAsync(id)).deleted, true);
    const type = (await admin.getCredentialTypesAsync())[0];
    const found = await admin.resolveUserFromInfoAsync(0, 'Anna Lindqvist', [], ['anna@example.com'], UserType.InternalAssociate, { type, value: 'a long password' });
    assert.equal(found.user.associateId, 2);
    assert.equal(found.personCreated, false);
    const blank = await admin.createDefaultUserFromUserTypeAndCredentialAsync(UserType.InternalAssociate, 7, type.type, 'a long password', '');
    assert.equal(blank.credentials[0].value, 'a long password');
    const groups = await admin.findCredentialsGroupsAsync(type.type, 'anna');
    assert.equal(groups.length, 1);
    const members = await admin.getCredentialUsersInGroupAsync(type.type, groups[0].name);
    assert.ok(members.users.some((user) => user.value === 'anna'));
    assert.equal((await admin.findCredentialUsersAsync(type.type, 'anna')).users[0].displayValue, 'Anna Lindqvist');
    assert.deepEqual(await admin.getUserFromEjUserIdAsync(4711), []);
});

test('data rights', async () => {
    const admin = agentOf('admin');
    await admin.setDataRightAsync(2, 'contact', 'MyOwn', 'CRU');
    assert.equal(await admin.getDataRightAsync(2, 'contact', 'MyOwn'), 'CRU');
    assert.equal((await admin.getDataRightsAsync(2, 'contact')).MyOwn, 'CRU');
    assert.equal((await admin.getAllDataRightsAsync(2, 'MyOwn')).contact, 'CRU');
});

test('stored secrets', async () => {
    const [admin, anna] = [agentOf('admin'), agentOf('anna')];
    const credentials = await anna.createDefaultUntrustedCredentialsAsync();
    Object.assign(credentials, { publicValue: 'anna@hr.example.com', secretValue: 'a secret', comment: 'Payroll' });
    await anna.saveUntrustedCredentialsAsync('HR', credentials);
    assert.equal((await anna.getUntrustedCredentialsAsync('HR'))[0].secretValue, 'a secret');
    await admin.saveUntrustedCredentialsForAssociateAsync(2, 'HR', { ...credentials, secretValue: '', comment: 'Time sheets' });
    const seen = (await admin.getUntrustedCredentialsForAssociateAsync(2, 'HR'))[0];
    assert.deepEqual([seen.secretValue, seen.comment, seen.isActive], ['', 'Time sheets', true]);
    await admin.removeUntrustedCredentialsForAssociateAsync(2, 'HR', 'someone@hr.example.com');
    assert.equal((await anna.getUntrustedCredentialsAsync('HR'))[0].secretValue, 'a secret');
    await anna.removeUntrustedCredentialsAsync('HR', 'anna@hr.example.com');
    assert.deepEqual(await anna.getUntrustedCredentialsAsync('HR'), []);
    const key = await anna.saveExternalTokensAsync({ provider: 'calendar', accessToken: 'one', refreshToken: 'two' });
    assert.equal((await anna.getExternalTokensAsync(key)).refreshToken, 'two');
    const auth = await admin.createDefaultServiceAuthAsync();
    Object.assign(auth, { server: 'mail.example.com', port: 993, username: 'us', password: 'a secret' });
    const { serviceAuthId } = await admin.saveServiceAuthAsync(auth);
    assert.equal((await admin.getServiceAuthAsync(serviceAuthId)).password, 'a secret');
    await admin.deleteServiceAuthAsync(serviceAuthId);
});

test('notes, and the key for local storage', async () => {
    const associate = agentOf('anna', {}, password, 'Associate');
    await associate.saveNoteAsync(2, ['Call the printer\'s support.', '']);
    assert.deepEqual(await associate.getNoteAsync(2), ['Call the printer\'s support.', '']);
    assert.equal(await associate.getEncryptionKeyAsync(), await associate.getEncryptionKeyAsync());
});

test('every served operation was called, and every other one answers 501', async () => {
    const webapi = new client.WebApi({ baseUrl: `${server.address}/api` });
    const { paths } = await (await fetch(`${server.address}/openapi.json`)).json();
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    for (const [name, getter] of Object.entries(agents)) {
        const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(webapi[getter]()));
        const operations = methods.filter((method) => /^[A-Za-z].*Async$/.test(method)).map(operationOf);
        const isServed = (operation) => `/api/v1/Agents/${name}/${operation}` in paths;
        const served = operations.filter(isServed);
        assert.deepEqual(served.filter((operation) => !called.has(`${name}/${operation}`)), []);
        const others = operations.filter((operation) => !isServed(operation));
        assert.ok(served.length > 3 && others.length > 0, name);
        for (const operation of others) {
            const path = `${server.address}/api/v1/Agents/${name}/${operation}`;
            const { status } = await fetch(path, { method: 'POST', headers: { authorization } });
            assert.equal(status, 501, `${name}/${operation}`);
        }
    }
});
