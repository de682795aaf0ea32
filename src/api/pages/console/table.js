// Tables, whose rows are cards on narrow screens, and lists that load page by page with filters above.

import { announce, errorBox, field, h } from './dom.js';
import { t } from './messages.js';

const isWide = matchMedia('(min-width: 48.01rem)');

/**
 * A table. A column is `{ label }`, with `isHeader` for what a row is about and `isLong` for texts that wrap.
 * Roles are explicit: a browser forgets them when CSS shows rows as cards.
 */
export function table(name, columns, rows) {
  const heading = ({ label, isLong }) => h('th', { role: 'columnheader', scope: 'col', class: isLong && 'long' }, label);
  return h(
    'div',
    { class: 'wide', role: 'region', 'aria-label': name, tabindex: '0' },
    h('table', { role: 'table', 'aria-label': name }, h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, columns.map(heading))), rows),
  );
}

export const tableBody = rows => h('tbody', { role: 'rowgroup' }, rows);

/** A row with a cell for each column. */
export const tableRow = (columns, cells) => h('tr', { role: 'row' }, cells.map((content, index) => cell(columns[index], content)));

function cell({ label, isHeader, isLong }, content) {
  const properties = {
    role: isHeader ? 'rowheader' : 'cell',
    scope: isHeader && 'row',
    class: isHeader ? 'head' : content ? isLong && 'long' : 'blank',
    'data-label': label,
  };
  return h(isHeader ? 'th' : 'td', properties, h('div', {}, content));
}

/**
 * Shows a list, newest first. `loadPage(cursor)` returns `{ rows, next }`; `empty` is shown when there are no rows.
 * `back` is a link above the title, `note` a paragraph below it, and `action` stands beside the button that refreshes.
 */
export async function pagedTable({ main, signal, back = '', name, note = '', columns, filters, loadPage, empty, action }) {
  const body = tableBody([]);
  const element = table(name, columns, body);
  const end = h('div', { class: 'below' });
  const refresh = h('button', { type: 'button', onclick: load }, t('table.refresh'));
  main.replaceChildren(
    back,
    h('div', { class: 'title' }, h('h1', {}, name), h('div', { class: 'buttons' }, action, refresh), note),
    filters,
    element,
    end,
  );
  await load();

  async function load() {
    body.replaceChildren();
    await loadMore();
    if (!signal.aborted) announce(t('table.rows', { count: body.children.length }));
  }

  /** Appends the next page, and moves the focus to its first row. */
  async function loadMore(cursor) {
    try {
      const page = await loadPage(cursor);
      body.append(...page.rows);
      end.replaceChildren(below(page.next));
      if (cursor && page.rows.length) focusRow(page.rows[0]);
    } catch (error) {
      if (!signal.aborted) end.replaceChildren(errorBox(error, () => loadMore(cursor)));
    }
    element.hidden = !body.children.length;
  }

  function below(cursor) {
    if (!body.children.length) return h('div', { class: 'empty' }, h('p', {}, empty));
    if (!cursor) return h('p', { class: 'fine' }, t('table.end'));
    return h('button', { type: 'button', onclick: () => loadMore(cursor) }, t('table.older'));
  }
}

/** Moves the focus to the first link of a row, or to the row. */
function focusRow(row) {
  const link = row.querySelector('a');
  if (!link) row.setAttribute('tabindex', '-1');
  (link ?? row).focus();
}

/** The form above a list. `collect` returns the filters for the address, or null when one is not valid. */
export function filterForm(address, fields, collect, note) {
  const form = h(
    'form',
    { class: 'filters', role: 'search', 'aria-label': t('filter.title') },
    fields,
    h(
      'div',
      { class: 'buttons' },
      h('button', { class: 'primary' }, t('filter.apply')),
      h('a', { class: 'button', href: address }, t('filter.clear')),
    ),
    note,
  );
  const isFiltered = location.hash.includes('?');
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      const filters = await collect();
      if (!filters) return;
      const search = new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== ''));
      location.hash = search.size ? `${address}?${search}` : address;
    } catch (error) {
      announce(error.message);
    }
  });
  return h('details', { class: 'fold', open: isWide.matches || isFiltered }, h('summary', {}, t('filter.title')), form);
}

/** The filters of the address, by name. */
export const filtersOf = (query, names) => Object.fromEntries(names.map(name => [name, query.get(name) ?? '']));

/** The fields of a range of times, and their values for the address. */
export function timeRange({ from: storedFrom, to: storedTo }) {
  const [from, to] = [['from', storedFrom], ['to', storedTo]].map(([name, iso]) => h('input', { type: 'datetime-local', name, value: toLocal(iso) }));
  return {
    fields: [field(t('filter.from'), from), field(t('filter.to'), to)],
    values: () => ({ from: toUtc(from.value), to: toUtc(to.value) }),
  };
}

/** Converts the server's UTC to the local time of an input, and back. */
function toLocal(iso) {
  if (!iso) return '';
  const date = new Date(iso);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
const toUtc = local => (local ? new Date(local).toISOString() : '');
