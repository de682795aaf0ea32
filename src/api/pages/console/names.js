// The names of users and commands: finds users by name and by id, and keeps their names.

import { call } from './api.js';
import { displayName, h } from './dom.js';
import { t } from './messages.js';

const COLUMNS = 'associateDbId,assocName,userName,fullName,role,usergroup,isActive';
const cache = new Map();

const quote = text => `'${text.replaceAll("'", "''")}'`;

/** The users that a filter matches, `top` at most, after the first `skip`; `hasMore` when there are others. */
async function find(filter, { top, skip = 0, signal }) {
  const query = { $select: COLUMNS, $filter: filter, $orderBy: 'fullName', $top: top + 1, $skip: skip };
  const { body } = await call('GET', '/api/v1/User', { query, signal });
  const users = body.value.map(row => ({
    id: row.associateDbId,
    name: row.assocName,
    userName: row.userName,
    fullName: row.fullName,
    role: row.role,
    group: row.usergroup,
    isActive: row.isActive,
  }));
  users.forEach(user => cache.set(user.id, user));
  return { users: users.slice(0, top), hasMore: users.length > top };
}

/** The users whose names contain each of these words, with this role and group if one is given. */
export function searchUsers({ words, roleId, groupId }, page) {
  const contains = word => ['fullName', 'assocName', 'userName'].map(column => `${column} contains ${quote(word)}`).join(' or ');
  const conditions = words.trim().split(/\s+/).filter(Boolean).map(word => `(${contains(word)})`);
  if (roleId) conditions.push(`role in (${roleId})`);
  if (groupId) conditions.push(`usergroup in (${groupId})`);
  return find(conditions.join(' and '), page);
}

/** The user with this id; undefined when there is none that the caller may see. */
export async function userById(id, signal) {
  return (await find(`associateDbId eq ${id}`, { top: 1, signal })).users[0];
}

/** Two users at most that a text names: by full name, name, user name or id, or as `inputLabel` writes them. */
export async function usersNamed(text) {
  if (/^\d{1,9}$/.test(text)) return [{ id: Number(text) }];
  const name = /\(([^()]+)\)$/.exec(text)?.[1] ?? text;
  const filter = `assocName is ${quote(name)} or userName is ${quote(name)} or fullName is ${quote(text)}`;
  const { users } = await find(filter, { top: 2 });
  const exact = users.find(user => user.name.toLowerCase() === name.toLowerCase());
  return exact ? [exact] : users;
}

/** Looks up the names of these users for `userName`, `userLink` and `inputLabel`. */
export async function loadNames(ids, signal) {
  const missing = [...new Set(ids)].filter(id => !cache.has(id));
  if (missing.length) await find(`associateDbId oneOf (${missing.join(', ')})`, { top: missing.length, signal });
}

/** Forgets the names, as the next user of this page may not see them. */
export const forgetNames = () => cache.clear();

/** A user as a link. A user whom the caller may not see is the `name`, or the id, without a link. */
export function userLink(id, name) {
  const user = cache.get(id);
  return user ? h('a', { href: `#/users/${id}` }, displayName(user)) : name || t('user.byId', { id: String(id) });
}

/** The display names of the commands by name, and their language. */
export async function commandNames(signal) {
  const { body, headers } = await call('GET', '/_ext/commands', { signal });
  return { names: new Map(body.commands.map(({ name, displayName }) => [name, displayName])), language: headers.get('Content-Language') };
}

/** The display name of a command; the name of one that is not in force. */
export function commandTitle({ names, language }, name) {
  return names.has(name) ? h('span', { lang: language }, names.get(name)) : h('code', {}, name);
}

/** A user in an input: the full name, and the name that is unique. */
export function inputLabel(id) {
  const user = cache.get(id);
  return user ? label(user) : String(id);
}

const label = ({ fullName, name }) => (fullName && fullName !== name ? `${fullName} (${name})` : name);

/** An input for a user, with suggestions. Returns the input and its list. */
export function userInput(name, value) {
  const list = h('datalist', { id: `${name}-list` });
  const input = h('input', { name, list: list.id, value, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  let request = new AbortController();
  input.addEventListener('input', async () => {
    request.abort();
    request = new AbortController();
    const { users } = await searchUsers({ words: input.value }, { top: 8, signal: request.signal }).catch(() => ({ users: [] }));
    if (users.length) list.replaceChildren(...users.map(user => h('option', { value: label(user) })));
  });
  return [input, list];
}
