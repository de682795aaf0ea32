// The log as a file for a spreadsheet: what the filters let through, page after page.

import { call } from './api.js';
import { announce, h, trouble } from './dom.js';

const LIMIT = 1000;
/** The browser keeps the file in memory. */
const MOST_PAGES = 200;
/** Tells spreadsheets that the text is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';

export function downloadButton(asked, signal) {
  const place = h('span', {});
  const button = h('button', { type: 'button', onclick: download }, 'Download CSV');
  const note = h('span', { class: 'fine' });
  place.append(button, ' ', note);
  return place;

  async function download() {
    button.disabled = true;
    note.replaceChildren();
    try {
      const { pages, isCut } = await readPages(asked, signal);
      save(new Blob([BYTE_ORDER_MARK, ...pages], { type: 'text/csv;charset=utf-8' }), 'executions.csv');
      announce('Downloaded.');
      if (isCut) note.textContent = `The newest ${MOST_PAGES * LIMIT} only; filter by time for older ones.`;
    } catch (error) {
      if (!signal.aborted) note.replaceChildren(trouble(error));
    }
    button.disabled = false;
  }
}

async function readPages(asked, signal) {
  const pages = [];
  let cursor;
  do {
    const query = { ...asked, limit: LIMIT, cursor };
    const read = response => response.text();
    const { body, headers } = await call('GET', '/_ext/executions', { query, headers: { Accept: 'text/csv' }, signal, read });
    // Each page names its columns; the file does once. No name of a column has a line break.
    pages.push(pages.length ? body.slice(body.indexOf('\n') + 1) : body);
    cursor = headers.get('X-Next-Cursor');
  } while (cursor && pages.length < MOST_PAGES);
  return { pages, isCut: Boolean(cursor) };
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h('a', { href: address, download: name }).click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
