// Groups of users: which there are, making one, and changing one.

import { allGroups, saveGroup } from './directory.js';
import { announce, field, h, tag } from './dom.js';
import { onSubmit } from './form.js';
import { plainTable } from './table.js';

export async function groups({ main, me, signal }) {
  const all = await allGroups(signal);
  if (signal.aborted) return;
  const name = group => (me.isAdministrator ? h('a', { href: `#/groups/${group.id}` }, group.name) : group.name);
  const row = group =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name(group)),
      h('td', {}, String(group.rank)),
      h('td', {}, group.isDeleted ? tag('retired', 'deleted') : 'In use'),
      h('td', {}, group.tooltip),
    );
  const make = me.isAdministrator && h('a', { class: 'button', href: '#/groups/new' }, 'New group');
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, 'Groups'), make || ''),
    plainTable('Groups', ['Group', 'Rank', 'State', 'Description'], h('tbody', {}, all.map(row))),
  );
}

/** A group as a form: a new one, or the one with this id. */
export async function group({ main, id, signal }) {
  const all = id ? await allGroups(signal) : [];
  const present = id ? all.find(group => group.id === Number(id)) : { id: 0, name: '', tooltip: '', rank: 0, isDeleted: false };
  if (signal.aborted) return;
  const back = h('a', { class: 'back', href: '#/groups' }, 'All groups');
  if (!present) return main.replaceChildren(back, h('h1', {}, `There is no group ${id}`));
  const name = h('input', { name: 'name', value: present.name, required: true, maxlength: 239, autocomplete: 'off' });
  const tooltip = h('input', { name: 'tooltip', value: present.tooltip, maxlength: 254, autocomplete: 'off' });
  const rank = h('input', { name: 'rank', type: 'number', step: 1, value: String(present.rank), required: true });
  const isInUse = h('input', { type: 'checkbox', id: 'in-use', checked: !present.isDeleted });
  const form = h(
    'form',
    { class: 'card edit' },
    h('h1', {}, id ? `Edit ${present.name}` : 'New group'),
    h('div', { class: 'fields' }, field('Name', name), field('Rank', rank, 'Lower ones stand first in lists.')),
    field('Description', tooltip),
    present.isDeleted && h('div', { class: 'option' }, isInUse, h('label', { for: isInUse.id }, 'In use')),
    h('div', { class: 'wrong' }),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Save'), h('a', { class: 'button', href: '#/groups' }, 'Cancel')),
  );
  onSubmit(form, async () => {
    const saved = { id: present.id, name: name.value.trim(), tooltip: tooltip.value, rank: Number(rank.value), isDeleted: !isInUse.checked };
    await saveGroup(saved);
    announce(`The group ${saved.name} is saved.`);
    location.hash = '#/groups';
  });
  main.replaceChildren(back, form);
  name.focus();
}
