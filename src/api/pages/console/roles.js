// The roles, and the rights of each.

import { allRoles, rightsByRole } from './directory.js';
import { h } from './dom.js';
import { t } from './messages.js';
import { table, tableBody, tableRow } from './table.js';

const COLUMNS = [
  { label: t('roles.role'), isHeader: true },
  { label: t('roles.type') },
  { label: t('roles.rank') },
  { label: t('roles.rights'), isLong: true },
  { label: t('roles.description'), isLong: true },
];

export async function roles({ main, signal }) {
  const [all, rights] = await Promise.all([allRoles(signal), rightsByRole(signal)]);
  if (signal.aborted) return;
  const rightsOf = role => (rights.get(role.id) ?? []).sort().flatMap(name => [h('code', {}, name), ' ']);
  const row = role => tableRow(COLUMNS, [role.name, t(`roles.${role.type}`), String(role.rank), rights.has(role.id) ? rightsOf(role) : '–', role.tooltip]);
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, t('roles.title'))),
    table(t('roles.title'), COLUMNS, tableBody(all.map(row))),
    h('p', { class: 'fine below' }, t('roles.note')),
  );
}
