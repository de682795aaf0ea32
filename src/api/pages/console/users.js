// Users: who there is on the left, and what can be run on the chosen one on the right.

import { commands } from './commands.js';
import { announce, field, h, tag, trouble } from './dom.js';
import { search } from './names.js';

const TOP = 50;
const PATIENCE = 150; // ms after the last letter

/** The list stays as it is while another user is chosen. */
let list;

export async function users(place) {
  const { main, me, id, signal } = place;
  if (!list || !main.contains(list.element)) {
    list = userList(me);
    main.replaceChildren(h('div', { class: 'halves' }, list.element, h('section', { class: 'chosen', 'aria-label': 'The chosen user' })));
  }
  main.firstChild.classList.toggle('has-chosen', Boolean(id));
  list.choose(Number(id));
  const chosen = main.querySelector('.chosen');
  if (id) return commands({ ...place, chosen, renew: list.renew });
  chosen.replaceChildren(
    h('div', { class: 'empty' }, h('p', {}, 'Choose a user to see the commands that can be run.')),
  );
  if (!signal.aborted) list.focus();
}

function userList(me) {
  const input = h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
  const [count, items] = [h('p', { class: 'fine' }), h('ul', { class: 'users' })];
  let heading = h('h1', {}, 'Users');
  const searchField = field('Search by name or e-mail', input);
  const make = me.isAdministrator && h('a', { class: 'button', href: '#/users/new' }, 'New user');
  const element = h('section', { class: 'list', 'aria-label': 'Users' }, heading, searchField, count, items, make);
  let [asked, timer, chosen] = [new AbortController(), null, null];

  const mark = () =>
    items.querySelectorAll('a').forEach(link => {
      if (Number(link.dataset.id) === chosen) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    });

  async function look(isAsked) {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const { users, more } = await search(input.value, TOP, signal);
      items.replaceChildren(...users.map(item));
      mark();
      const counted = users.length === 1 ? '1 user' : `${users.length} users`;
      if (!users.length) count.textContent = `No user has “${input.value.trim()}” in a name.`;
      else count.textContent = more ? `The first ${counted}; more letters find fewer.` : counted;
      if (isAsked) announce(count.textContent);
    } catch (error) {
      if (!signal.aborted) items.replaceChildren(h('li', {}, trouble(error, () => look(true))));
    }
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(true), PATIENCE);
  });
  look(false);
  return {
    element,
    focus: () => input.focus(),
    renew: () => look(false),
    choose: id => {
      chosen = id;
      mark();
      // The chosen user is what the page is about then.
      const renewed = h(id ? 'h2' : 'h1', {}, 'Users');
      heading.replaceWith(renewed);
      heading = renewed;
    },
  };
}

function item(user) {
  return h(
    'li',
    {},
    h(
      'a',
      { href: `#/users/${user.id}`, 'data-id': user.id },
      h('span', { class: 'name' }, user.fullName || user.name),
      !user.isActive && tag('retired'),
      h('span', { class: 'fine' }, [user.name, user.role, user.group].filter(Boolean).join(' · ')),
    ),
  );
}
