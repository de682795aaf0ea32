// Users by name and by id.

import { call } from './api.js';
import { h } from './dom.js';

const COLUMNS = 'associateDbId,assocName,userName,fullName,role,usergroup,isActive';
const known = new Map();

const quoted = text => `'${text.replaceAll("'", "''")}'`;

/** Users whom a filter of the list finds; `more` says that there are others. */
async function find(filter, top, signal) {
  const query = { $select: COLUMNS, $filter: filter, $orderBy: 'fullName', $top: top + 1 };
  const { body } = await call('GET', '/api/v1/User', { query, signal });
  const found = body.value.map(row => ({
    id: row.associateDbId,
    name: row.assocName,
    userName: row.userName,
    fullName: row.fullName,
    role: row.role,
    group: row.usergroup,
    isActive: row.isActive,
  }));
  found.forEach(user => known.set(user.id, user));
  return { users: found.slice(0, top), more: found.length > top };
}

/** Users in whose names each of these words is. */
export function search(words, top, signal) {
  const within = word => ['fullName', 'assocName', 'userName'].map(column => `${column} contains ${quoted(word)}`).join(' or ');
  const filter = words.trim().split(/\s+/).filter(Boolean).map(word => `(${within(word)})`);
  return find(filter.join(' and '), top, signal);
}

/** The user of this id, as it is now; nothing when there is none whom one may see. */
export async function byId(id, signal) {
  return (await find(`associateDbId eq ${id}`, 1, signal)).users[0];
}

/** The user of this name, or of this id. */
export async function byName(text, signal) {
  if (/^\d{1,9}$/.test(text)) return { id: Number(text) };
  return (await find(`assocName is ${quoted(text)} or userName is ${quoted(text)}`, 1, signal)).users[0];
}

/** Looks up the names of these users, so that `named` knows them. */
export async function learn(ids, signal) {
  const missing = [...new Set(ids)].filter(id => !known.has(id));
  if (missing.length) await find(`associateDbId oneOf (${missing.join(', ')})`, missing.length, signal);
}

/** What to call a user. */
export function named(id) {
  const user = known.get(id);
  return user ? user.fullName || user.name : `User ${id}`;
}

export const nameOf = id => known.get(id)?.name ?? String(id);

/** A user as a link. */
export const userLink = id => h('a', { href: `#/users/${id}` }, named(id));

/** A field in which a user is named, with suggestions. */
export function userInput(name, value) {
  const list = h('datalist', { id: `${name}-list` });
  const input = h('input', { name, list: list.id, value, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  let asked = new AbortController();
  input.addEventListener('input', async () => {
    asked.abort();
    asked = new AbortController();
    const { users } = await search(input.value, 8, asked.signal).catch(() => ({ users: [] }));
    if (users.length) list.replaceChildren(...users.map(user => h('option', { value: user.name }, user.fullName)));
  });
  return [input, list];
}
