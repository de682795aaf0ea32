// Groups and roles, and saving users: the User agent, and the users themselves.

import { call } from './api.js';

/** Texts as they are stored, in every language: what is shown in a form is saved again. */
const AS_STORED = { 'SO-Language': '*' };

const agent = (operation, body, signal) => call('POST', `/api/v1/Agents/User/${operation}`, { body, signal, headers: AS_STORED });

/** The types of roles, each with the type of users that it is for. */
const USER_TYPES = {
  Employee: 'InternalAssociate',
  ExternalUser: 'ExternalAssociate',
  Anonymous: 'AnonymousAssociate',
  System: 'SystemAssociate',
};

/** All groups, also deleted ones. */
export async function allGroups(signal) {
  const { body } = await agent('GetAllUserGroups', { IncludeDeleted: true }, signal);
  return body.map(group => ({ id: group.Id, name: group.Value, tooltip: group.Tooltip, rank: group.Rank, isDeleted: group.Deleted }));
}

export async function saveGroup({ id, name, tooltip, rank, isDeleted }) {
  const UserGroup = { Id: id, Value: name, Tooltip: tooltip, Rank: rank, Deleted: isDeleted };
  await agent('SaveUserGroup', { UserGroup });
}

/** All roles, the highest first, each with the type of users it is for. */
export async function allRoles(signal) {
  const lists = Object.entries(USER_TYPES).map(async ([RoleType, userType]) => {
    const { body } = await agent('GetAllRoles', { RoleType }, signal);
    return body.map(role => ({ id: role.Id, name: role.Name, tooltip: role.ToolTip, rank: role.Rank, type: RoleType, userType }));
  });
  const roles = (await Promise.all(lists)).flat();
  return roles.sort((one, other) => other.rank - one.rank || one.id - other.id);
}

/** The names of the rights that each role has, by its id. */
export async function rightsByRole(signal) {
  const { body: rights } = await agent('GetAllFunctionalRights', undefined, signal);
  const byRole = new Map();
  const lists = rights.map(async ({ Name }) => {
    const { body } = await agent('FindRolesWithFunctionalRight', { FunctionalRightName: Name }, signal);
    body.forEach(({ Id }) => byRole.set(Id, [...(byRole.get(Id) ?? []), Name]));
  });
  await Promise.all(lists);
  return byRole;
}

export async function readUser(id, signal) {
  return (await call('GET', `/api/v1/User/${id}`, { signal, headers: AS_STORED })).body;
}

/** Saves a user: some properties of the one with this id, or a new one. Answers the id. */
export async function saveUser(id, properties) {
  const [method, path] = id ? ['PUT', `/api/v1/User/${id}`] : ['POST', '/api/v1/User'];
  return (await call(method, path, { body: properties })).body.AssociateId;
}
