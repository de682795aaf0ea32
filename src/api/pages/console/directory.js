// Reads and saves users, groups and roles.

import { call } from './api.js';

/** Texts as they are stored, in all languages: a form saves them again. */
const AS_STORED = { 'SO-Language': '*' };

const agent = (operation, body, { signal, headers } = {}) => call('POST', `/api/v1/Agents/User/${operation}`, { body, signal, headers });

/** The type of users that each type of roles is for. */
export const USER_TYPES = {
  Employee: 'InternalAssociate',
  ExternalUser: 'ExternalAssociate',
  Anonymous: 'AnonymousAssociate',
  System: 'SystemAssociate',
};

/** All groups, also deleted ones. */
export async function allGroups(signal, { isAsStored = false } = {}) {
  const { body } = await agent('GetAllUserGroups', { IncludeDeleted: true }, { signal, headers: isAsStored ? AS_STORED : {} });
  return body.map(group => ({ id: group.Id, name: group.Value, tooltip: group.Tooltip, rank: group.Rank, isDeleted: group.Deleted }));
}

export async function saveGroup({ id, name, tooltip, rank, isDeleted }) {
  await agent('SaveUserGroup', { UserGroup: { Id: id, Value: name, Tooltip: tooltip, Rank: rank, Deleted: isDeleted } });
}

/** All roles, those with the highest rank first, with the type of users each is for. */
export async function allRoles(signal) {
  const lists = Object.entries(USER_TYPES).map(async ([RoleType, userType]) => {
    const { body } = await agent('GetAllRoles', { RoleType }, { signal });
    return body.map(role => ({ id: role.Id, name: role.Name, tooltip: role.ToolTip, rank: role.Rank, type: RoleType, userType }));
  });
  const roles = (await Promise.all(lists)).flat();
  return roles.sort((one, other) => other.rank - one.rank || one.id - other.id);
}

/** The names of each role's rights, by the role's id. */
export async function rightsByRole(signal) {
  const { body: rights } = await agent('GetAllFunctionalRights', undefined, { signal });
  const byRole = new Map();
  const lists = rights.map(async ({ Name }) => {
    const { body } = await agent('FindRolesWithFunctionalRight', { FunctionalRightName: Name }, { signal });
    body.forEach(({ Id }) => byRole.set(Id, [...(byRole.get(Id) ?? []), Name]));
  });
  await Promise.all(lists);
  return byRole;
}

export async function readUser(id, signal) {
  return (await call('GET', `/api/v1/User/${id}`, { signal, headers: AS_STORED })).body;
}

/** Saves these properties of a user; without an id, of a new one. Returns the id. */
export async function saveUser(id, properties) {
  const [method, path] = id ? ['PUT', `/api/v1/User/${id}`] : ['POST', '/api/v1/User'];
  return (await call(method, path, { body: properties })).body.AssociateId;
}
