// A list that grows page by page, newest first, with its filters above.

import { announce, h, trouble } from './dom.js';

/** Columns that narrow screens leave out: the execution has the whole text. */
const LONG = ['Message', 'Last error'];
const isWide = matchMedia('(min-width: 48.01rem)');

/**
 * Shows the first page. `ask(cursor)` answers `{ rows, next }`, and `empty` says why there is none. `name` is what the
 * rows are, in the plural. `action` stands beside the button that refreshes.
 */
export async function growingTable({ main, signal, name, columns, filters, ask, empty, action }) {
  const rows = h('tbody', {});
  const table = plainTable(name, columns, rows);
  const below = h('div', { class: 'below' });
  main.replaceChildren(
    h('div', { class: 'title' }, h('h1', {}, name), h('div', { class: 'buttons' }, action, h('button', { type: 'button', onclick: begin }, 'Refresh'))),
    filters,
    table,
    below,
  );
  await begin();

  async function begin() {
    rows.replaceChildren();
    await more();
    if (!signal.aborted) announce(`${rows.children.length || 'No'} ${name.toLowerCase()}.`);
  }

  /** The next page goes below the last, and the focus to its beginning. */
  async function more(cursor) {
    try {
      const page = await ask(cursor);
      rows.append(...page.rows);
      table.hidden = !rows.children.length;
      below.replaceChildren(end(page.next));
      if (cursor) page.rows[0]?.querySelector('a').focus();
    } catch (error) {
      table.hidden = !rows.children.length;
      if (!signal.aborted) below.replaceChildren(trouble(error, () => more(cursor)));
    }
  }

  function end(cursor) {
    if (table.hidden) return h('div', { class: 'empty' }, h('p', {}, empty));
    if (!cursor) return h('p', { class: 'fine' }, 'These are all.');
    return h('button', { type: 'button', onclick: () => more(cursor) }, 'Show older ones');
  }
}

/** A table that can be scrolled sideways, with these columns. */
export function plainTable(name, columns, rows) {
  const head = h('tr', {}, columns.map(word => h('th', { scope: 'col', class: LONG.includes(word) && 'text' }, word)));
  return h('div', { class: 'wide', role: 'region', 'aria-label': name, tabindex: '0' }, h('table', {}, h('thead', {}, head), rows));
}

/** The form above a table. `collect` answers what was chosen, or nothing when something is wrong; it goes into the address. */
export function filterForm(address, fields, collect, note) {
  const form = h(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Filters' },
    fields,
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Filter'), h('a', { class: 'button', href: address }, 'Clear')),
    note,
  );
  const isFiltered = location.hash.includes('?');
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const chosen = await collect().catch(error => announce(`Not filtered: ${error.message}`));
    if (!chosen) return;
    const search = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ''));
    location.hash = search.size ? `${address}?${search}` : address;
  });
  return h('details', { class: 'fold', open: isWide.matches || isFiltered }, h('summary', {}, 'Filters'), form);
}

/** What the address asks for, by name. */
export const askedFor = (query, names) => Object.fromEntries(names.map(name => [name, query.get(name) ?? '']));
