// Creates elements, from plain text only, and what the views share.

import { locale, t } from './messages.js';

/** An element. Properties that begin with `on` are listeners; false, null and undefined are left out. */
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

/** Has screen readers say a text. */
export function announce(text) {
  const status = document.getElementById('status');
  status.textContent = '';
  // Empty it first: the same text twice is announced twice.
  setTimeout(() => (status.textContent = text), 50);
}

/** Moves the focus to the first heading, so that Tab continues from there. */
export function focusHeading(within) {
  const heading = within.querySelector('h1, h2, h3');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus();
}

const times = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });

/** A point in time, in the browser's time zone; the tooltip has it in UTC. */
export const time = iso => (iso ? h('time', { datetime: iso, title: iso }, times.format(new Date(iso))) : '–');

/** What to call a user. */
export const displayName = user => user.fullName || user.name;

const ICONS = {
  succeeded: 'M3.5 8.5l3 3 6-7',
  failed: 'M4.5 4.5l7 7m0-7l-7 7',
  asked: 'M5.7 6a2.3 2.3 0 1 1 3.4 2c-.8.4-1.1.8-1.1 1.6M8 12.4v.1',
  declined: 'M4 8h8',
  denied: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM4.2 4.2l7.6 7.6',
  unknown: 'M8 3v6M8 12.4v.1',
  running: 'M8 3v5l3 2',
};
/** States that look like an outcome. */
const LOOKS = { delivered: 'succeeded', dead: 'failed', pending: 'running', retired: 'declined', unavailable: 'declined' };

/** A state as a word with an icon and a colour. */
export function tag(state, word) {
  const look = LOOKS[state] ?? state;
  return h('span', { class: `tag is-${look}` }, icon(look), h('span', {}, word));
}

export const outcomeTag = outcome => tag(outcome, t(`outcome.${outcome}`));

export const retiredTag = () => tag('retired', t('user.retired'));

function icon(look) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', ICONS[look] ?? ICONS.unknown);
  svg.append(path);
  return svg;
}

/** An error: what failed, and a button to try again. */
export function errorBox(error, retry) {
  const wait = error.retryAfter && error.status === 429 ? ` ${t('error.wait', { count: error.retryAfter })}` : '';
  return h(
    'div',
    { class: 'error', role: 'alert' },
    h('strong', {}, errorTitle(error.status)),
    h('p', {}, error.message + wait),
    error.requestId && h('p', { class: 'fine' }, t('error.request', { status: String(error.status) }), ' ', h('code', {}, error.requestId)),
    retry && h('button', { type: 'button', onclick: retry }, t('button.tryAgain')),
  );
}

function errorTitle(status) {
  if (status === 403) return t('error.notAllowed');
  if (status === 404) return t('error.notFound');
  if (!status) return t('error.noAnswer');
  return t(status >= 500 ? 'error.server' : 'error.failed');
}

let fields = 0;

/** A form field with its label. */
export function field(label, control, hint) {
  control.id ||= `field-${++fields}`;
  if (hint) control.setAttribute('aria-describedby', `${control.id}-hint`);
  return h(
    'div',
    { class: 'field' },
    h('label', { for: control.id }, label),
    control,
    hint && h('p', { class: 'fine', id: `${control.id}-hint` }, hint),
  );
}

/** A checkbox with its label. */
export function checkbox(label, properties) {
  const box = h('input', { type: 'checkbox', id: `field-${++fields}`, ...properties });
  return { box, element: h('div', { class: 'option' }, box, h('label', { for: box.id }, label)) };
}

/** A select element with these `[value, label]` pairs. */
export function select(name, options, selected) {
  const option = ([value, label]) => h('option', { value, selected: value === selected }, label);
  return h('select', { name }, options.map(option));
}
