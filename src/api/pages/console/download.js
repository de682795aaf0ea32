// Downloads the filtered execution history as CSV.

import { call } from './api.js';
import { announce, errorBox, h } from './dom.js';
import { t } from './messages.js';

const LIMIT = 1000;
/** The browser keeps the file in memory. */
const MAX_PAGES = 200;
/** Tells spreadsheets that the text is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';

export function downloadButton(filters, signal) {
  const button = h('button', { type: 'button', onclick: download }, t('download.csv'));
  const note = h('span', { class: 'fine' });
  return h('span', {}, button, ' ', note);

  async function download() {
    button.disabled = true;
    note.replaceChildren();
    try {
      const { pages, isCut } = await readPages(filters, signal);
      save(new Blob([BYTE_ORDER_MARK, ...pages], { type: 'text/csv;charset=utf-8' }), 'executions.csv');
      announce(t('download.done'));
      if (isCut) note.textContent = t('download.cut', { count: MAX_PAGES * LIMIT });
    } catch (error) {
      if (!signal.aborted) note.replaceChildren(errorBox(error));
    }
    button.disabled = false;
  }
}

async function readPages(filters, signal) {
  const pages = [];
  let cursor;
  do {
    const query = { ...filters, limit: LIMIT, cursor };
    const read = response => response.text();
    const { body, headers } = await call('GET', '/_ext/executions', { query, headers: { Accept: 'text/csv' }, signal, read });
    // Every page begins with the column names, which contain no line break; the file needs them once.
    pages.push(pages.length ? body.slice(body.indexOf('\n') + 1) : body);
    cursor = headers.get('X-Next-Cursor');
  } while (cursor && pages.length < MAX_PAGES);
  return { pages, isCut: Boolean(cursor) };
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h('a', { href: address, download: name }).click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
