// The list of users on the left, and the commands of the selected one on the right.

import { commands } from './commands.js';
import { allGroups, allRoles } from './directory.js';
import { announce, displayName, errorBox, field, h, retiredTag, select } from './dom.js';
import { t } from './messages.js';
import { searchUsers } from './names.js';

const PAGE = 50;
const DEBOUNCE_MS = 150;

/** Kept while another user is selected. */
let list;

export async function users(view) {
  const { main, me, id, signal } = view;
  if (!list || !main.contains(list.element)) {
    list = userList(me);
    main.replaceChildren(h('div', { class: 'split' }, list.element, h('section', { class: 'detail', 'aria-label': t('users.selected') })));
  }
  main.firstChild.classList.toggle('has-selected', Boolean(id));
  list.select(Number(id));
  const detail = main.querySelector('.detail');
  if (id) return commands({ ...view, detail, reloadUsers: list.reload });
  detail.replaceChildren(h('div', { class: 'empty' }, h('p', {}, t('users.select'))));
  if (!signal.aborted) list.focus();
}

function userList(me) {
  const input = h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
  const [role, group] = [select('role', [['', t('filter.all')]]), select('group', [['', t('filter.all')]])];
  const filters = h('div', { class: 'filters', hidden: true }, field(t('user.role'), role), field(t('user.group'), group));
  const [count, items] = [h('p', { class: 'fine' }), h('ul', { class: 'users' })];
  const more = h('button', { type: 'button', hidden: true, onclick: loadMore }, t('users.more'));
  const create = me.isAdministrator && h('a', { class: 'button', href: '#/users/new' }, t('users.new'));
  let heading = h('h1', {}, t('users.title'));
  const element = h(
    'section',
    { class: 'list', 'aria-label': t('users.title') },
    heading,
    field(t('users.search'), input),
    filters,
    count,
    h('div', { class: 'scroll' }, items, more),
    create,
  );
  let [request, timer, selected] = [new AbortController(), null, null];

  const mark = () =>
    items.querySelectorAll('a').forEach(link => {
      if (Number(link.dataset.id) === selected) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    });

  /** A page of users by search text and filters. A newer request cancels it: then the result is undefined. */
  async function find(page) {
    request.abort();
    request = new AbortController();
    const { signal } = request;
    try {
      return await searchUsers({ words: input.value, roleId: role.value, groupId: group.value }, { ...page, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function showCount(hasMore) {
    more.hidden = !hasMore;
    const shown = items.children.length;
    count.textContent = shown ? t(hasMore ? 'users.first' : 'users.count', { count: shown }) : t('users.none');
  }

  /** Shows the first users, `top` of them. */
  async function load({ top = PAGE, isQuiet = false } = {}) {
    try {
      const found = await find({ top });
      if (!found) return;
      items.replaceChildren(...found.users.map(item));
      mark();
      showCount(found.hasMore);
      if (!isQuiet) announce(count.textContent);
    } catch (error) {
      items.replaceChildren(h('li', {}, errorBox(error, () => load())));
    }
  }

  /** Appends the next users, and moves the focus to the first of them. */
  async function loadMore() {
    try {
      const found = await find({ top: PAGE, skip: items.children.length });
      if (!found) return;
      const added = found.users.map(item);
      items.append(...added);
      mark();
      showCount(found.hasMore);
      announce(count.textContent);
      added[0]?.querySelector('a').focus();
    } catch (error) {
      announce(error.message);
    }
  }

  /** There is something to filter where the caller sees more than one user. */
  async function showFilters() {
    const [roles, groups] = await Promise.all([allRoles(), allGroups()]);
    const option = ({ id, name }) => h('option', { value: String(id) }, name);
    role.append(...roles.map(option));
    group.append(...groups.filter(({ isDeleted }) => !isDeleted).map(option));
    filters.hidden = false;
  }

  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(load, DEBOUNCE_MS);
  });
  for (const filter of [role, group]) filter.addEventListener('change', () => load());
  load({ isQuiet: true }).then(() => items.children.length > 1 && showFilters()).catch(() => {}); // the list works without
  return {
    element,
    focus: () => input.focus(),
    reload: () => load({ top: Math.max(PAGE, items.children.length), isQuiet: true }),
    select: id => {
      selected = id;
      mark();
      // With a selected user, the page is about that user: its name is the h1.
      const renewed = h(id ? 'h2' : 'h1', {}, t('users.title'));
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
      h('span', { class: 'name' }, displayName(user)),
      !user.isActive && retiredTag(),
      h('span', { class: 'fine' }, [user.name, user.role, user.group].filter(Boolean).join(' · ')),
    ),
  );
}
