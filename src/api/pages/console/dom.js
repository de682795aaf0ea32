// Making elements, out of texts only, and what the views have in common.

/** An element. Properties that begin with `on` are listeners; what is false, null or undefined is left out. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter(child => child !== undefined && child !== null && child !== false));
  return element;
}

/** Says something to those who do not see the page change. */
export function announce(text) {
  const status = document.getElementById('status');
  status.textContent = '';
  // Emptied first, so that the same words are said twice.
  setTimeout(() => (status.textContent = text), 50);
}

/** Where the content begins: read out, and the next Tab goes on from there. */
export function focusHeading(within) {
  const heading = within.querySelector('h1, h2, h3');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus();
}

/** A point in time, in the reader's zone; exactly, in UTC, for who asks. */
export function time(iso) {
  if (!iso) return '–';
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
  return h('time', { datetime: iso, title: iso }, format.format(new Date(iso)));
}

const SHAPES = {
  succeeded: 'M3.5 8.5l3 3 6-7',
  failed: 'M4.5 4.5l7 7m0-7l-7 7',
  asked: 'M5.7 6a2.3 2.3 0 1 1 3.4 2c-.8.4-1.1.8-1.1 1.6M8 12.4v.1',
  declined: 'M4 8h8',
  denied: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM4.2 4.2l7.6 7.6',
  unknown: 'M8 3v6M8 12.4v.1',
  running: 'M8 3v5l3 2',
  confirmed: 'M3.5 8.5l3 3 6-7',
};
const LOOKS = { delivered: 'succeeded', dead: 'failed', pending: 'running', retired: 'declined', unavailable: 'declined' };

/** A state as a word, with a sign and a colour of its own. */
export function tag(state, word = state) {
  const look = LOOKS[state] ?? state;
  return h('span', { class: `tag is-${look}` }, sign(look), h('span', {}, word.charAt(0).toUpperCase() + word.slice(1)));
}

function sign(look) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', SHAPES[look] ?? SHAPES.unknown);
  svg.append(path);
  return svg;
}

/** What went wrong, and what to do now. */
export function trouble(error, retry) {
  const title = error.status ? { 403: 'This is not allowed', 404: 'There is nothing here' }[error.status] : 'No answer';
  const wait = error.retryAfter && error.status === 429 ? ` Try again in ${error.retryAfter} seconds.` : '';
  return h(
    'div',
    { class: 'trouble', role: 'alert' },
    h('strong', {}, title ?? (error.status >= 500 ? 'The server failed' : 'This did not work')),
    h('p', {}, error.message + wait),
    error.requestId && h('p', { class: 'fine' }, `Status ${error.status}, request `, h('code', {}, error.requestId)),
    retry && h('button', { type: 'button', onclick: retry }, 'Try again'),
  );
}

/** A field with its label. */
export function field(label, control, hint) {
  control.id ||= `field-${label.toLowerCase().replaceAll(/\W+/g, '-')}`;
  if (hint) control.setAttribute('aria-describedby', `${control.id}-hint`);
  return h(
    'div',
    { class: 'field' },
    h('label', { for: control.id }, label),
    control,
    hint && h('p', { class: 'fine', id: `${control.id}-hint` }, hint),
  );
}

/** A list of choices. */
export function choice(name, options, chosen) {
  const option = ([value, label]) => h('option', { value, selected: value === chosen }, label);
  return h('select', { name }, options.map(option));
}
