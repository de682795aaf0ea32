// The roles that users can have, and their rights.

import { allRoles, rightsByRole } from './directory.js';
import { h } from './dom.js';
import { plainTable } from './table.js';

const TYPES = { Employee: 'Employees', ExternalUser: 'External users', Anonymous: 'Callers without a log-in', System: 'Programs' };

export async function roles({ main, signal }) {
  const [all, rights] = await Promise.all([allRoles(signal), rightsByRole(signal)]);
  if (signal.aborted) return;
  const row = role =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, role.name),
      h('td', {}, TYPES[role.type]),
      h('td', {}, String(role.rank)),
      h('td', {}, rights.has(role.id) ? rights.get(role.id).sort().map(name => [h('code', {}, name), ' ']).flat() : '–'),
      h('td', {}, role.tooltip),
    );
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, 'Roles')),
    plainTable('Roles', ['Role', 'For', 'Rank', 'Rights', 'Description'], h('tbody', {}, all.map(row))),
    h('p', { class: 'fine below' }, 'A user cannot give a role that ranks higher than their own. Roles are made and changed through the API.'),
  );
}
