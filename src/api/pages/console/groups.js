// Groups of users: the list, and the form.

import { allGroups, saveGroup } from './directory.js';
import { announce, checkbox, field, h, tag } from './dom.js';
import { onSubmit } from './form.js';
import { t } from './messages.js';
import { table, tableBody, tableRow } from './table.js';

const COLUMNS = [
  { label: t('groups.group'), isHeader: true },
  { label: t('groups.rank') },
  { label: t('groups.state') },
  { label: t('groups.description'), isLong: true },
];

export async function groups({ main, me, signal }) {
  const all = await allGroups(signal);
  if (signal.aborted) return;
  const name = group => (me.isAdministrator ? h('a', { href: `#/groups/${group.id}` }, group.name) : group.name);
  const state = group => (group.isDeleted ? tag('retired', t('groups.deleted')) : t('groups.inUse'));
  const row = group => tableRow(COLUMNS, [name(group), String(group.rank), state(group), group.tooltip]);
  const create = me.isAdministrator && h('a', { class: 'button', href: '#/groups/new' }, t('groups.new'));
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, t('groups.title')), create),
    table(t('groups.title'), COLUMNS, tableBody(all.map(row))),
  );
}

/** The form of the group with this id, or of a new one. */
export async function group({ main, id, signal }) {
  const all = id ? await allGroups(signal, { isAsStored: true }) : [];
  const stored = id ? all.find(group => group.id === Number(id)) : { id: 0, name: '', tooltip: '', rank: 0, isDeleted: false };
  if (signal.aborted) return;
  const back = h('a', { class: 'back', href: '#/groups' }, t('groups.all'));
  if (!stored) return main.replaceChildren(back, h('h1', {}, t('groups.missing', { id })));
  const name = h('input', { name: 'name', value: stored.name, required: true, maxlength: 239, autocomplete: 'off' });
  const tooltip = h('input', { name: 'tooltip', value: stored.tooltip, maxlength: 254, autocomplete: 'off' });
  const rank = h('input', { name: 'rank', type: 'number', step: 1, value: String(stored.rank), required: true });
  const inUse = checkbox(t('groups.inUse'), { checked: !stored.isDeleted });
  const form = h(
    'form',
    { class: 'card edit' },
    h('h1', {}, id ? `${t('groups.edit')}: ${stored.name}` : t('groups.new')),
    h('div', { class: 'fields' }, field(t('groups.name'), name), field(t('groups.rank'), rank, t('groups.rankHint'))),
    field(t('groups.description'), tooltip),
    stored.isDeleted && inUse.element,
    h('div', { class: 'errors' }),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, t('button.save')), h('a', { class: 'button', href: '#/groups' }, t('button.cancel'))),
  );
  onSubmit(form, async () => {
    await saveGroup({ id: stored.id, name: name.value.trim(), tooltip: tooltip.value, rank: Number(rank.value), isDeleted: !inUse.box.checked });
    announce(t('groups.saved'));
    location.hash = '#/groups';
  });
  main.replaceChildren(back, form);
  name.focus();
}
