// Downloads a filtered list as CSV or JSON Lines.

import { call } from './api.js';
import { announce, errorBox, h } from './dom.js';
import { t } from './messages.js';

const LIMIT = 1000;
/** The browser keeps the file in memory. */
const MAX_PAGES = 200;
/** Tells spreadsheets that the text is UTF-8. */
const BYTE_ORDER_MARK = '\ufeff';
const FORMATS = {
  csv: { label: 'download.csv', type: 'text/csv', start: BYTE_ORDER_MARK, hasHead: true },
  jsonl: { label: 'download.jsonLines', type: 'application/jsonl', start: '', hasHead: false },
};

/** A button for each format. The file has the rows of this path and query. */
export function downloadButtons({ path, query, name, signal }) {
  const note = h('span', { class: 'fine' });
  const button = ([ending, format]) => h('button', { type: 'button', onclick: event => download(event.currentTarget, ending, format) }, t(format.label));
  return [...Object.entries(FORMATS).map(button), note];

  async function download(button, ending, format) {
    button.disabled = true;
    note.replaceChildren();
    try {
      const { pages, isCut } = await readPages(path, query, format, signal);
      save(new Blob([format.start, ...pages], { type: `${format.type};charset=utf-8` }), `${name}.${ending}`);
      announce(t('download.done'));
      if (isCut) note.textContent = t('download.cut', { count: MAX_PAGES * LIMIT });
    } catch (error) {
      if (!signal.aborted) note.replaceChildren(errorBox(error));
    }
    button.disabled = false;
  }
}

async function readPages(path, filters, { type, hasHead }, signal) {
  const pages = [];
  let cursor;
  do {
    const query = { ...filters, limit: LIMIT, cursor };
    const read = response => response.text();
    const { body, headers } = await call('GET', path, { query, headers: { Accept: type }, signal, read });
    // Every page begins with the column names, which contain no line break; the file needs them once.
    pages.push(hasHead && pages.length ? body.slice(body.indexOf('\n') + 1) : body);
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
