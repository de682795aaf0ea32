// Who is there, and which view belongs to the address.

import { application, logOut, session, token, whoAmI } from './api.js';
import { announce, focusHeading, h, trouble } from './dom.js';
import { execution } from './execution.js';
import { executions } from './executions.js';
import { group, groups } from './groups.js';
import { logInForm, passwordForm } from './log-in.js';
import { roles } from './roles.js';
import { userForm } from './user-form.js';
import { users } from './users.js';
import { webhooks } from './webhooks.js';

const VIEWS = [
  [/^\/users(?:\/(?<id>\d+))?$/, 'Users', users],
  [/^\/users\/new$/, 'New user', userForm],
  [/^\/users\/(?<id>\d+)\/edit$/, 'Edit user', userForm],
  [/^\/groups$/, 'Groups', groups],
  [/^\/groups\/new$/, 'New group', group],
  [/^\/groups\/(?<id>\d+)$/, 'Edit group', group],
  [/^\/roles$/, 'Roles', roles],
  [/^\/executions$/, 'Executions', executions],
  [/^\/executions\/(?<id>[0-9a-f-]+)$/, 'Execution', execution],
  [/^\/webhooks$/, 'Webhooks', webhooks],
  [/^\/password$/, 'Change password', password],
];

const main = document.getElementById('main');
let me = null;
let leaving = new AbortController();

addEventListener('hashchange', () => {
  if (location.hash.startsWith('#/') && me) show();
});
session.addEventListener('end', () => me && stranger('Your session has ended. Log in to go on where you were.'));
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault(); // the address is for views
  main.focus();
});

begin();

async function begin() {
  if (!token()) return stranger();
  try {
    welcome(await whoAmI());
  } catch (error) {
    if (error.status === 401) return stranger();
    main.replaceChildren(trouble(error, begin));
  }
}

function stranger(notice) {
  leaving.abort();
  me = null;
  greet();
  document.querySelectorAll('dialog').forEach(dialog => dialog.remove());
  document.title = 'Log in – kommando console';
  main.replaceChildren(logInForm({ notice, welcome }));
  main.querySelector('input').focus();
}

function welcome(somebody) {
  me = somebody;
  greet();
  main.replaceChildren(); // the form to log in has done its work
  if (location.hash.startsWith('#/')) return show();
  location.hash = '#/users';
}

/** What the bar shows, and to whom. */
function greet() {
  const who = document.getElementById('who');
  document.getElementById('places').hidden = who.hidden = !me;
  document.querySelectorAll('#places .for-administrators').forEach(link => (link.hidden = !me?.isAdministrator));
  if (!me) return;
  who.replaceChildren(
    h('a', { href: '#/password', title: 'Change password' }, me.fullName || me.name),
    h('button', { type: 'button', class: 'quiet', onclick: leave }, 'Log out'),
  );
}

async function leave(event) {
  event.currentTarget.disabled = true;
  try {
    await logOut();
  } catch (error) {
    if (error.status !== 401) {
      event.target.disabled = false;
      return announce(`Not logged out: ${error.message}`);
    }
  }
  application.set('');
  location.hash = '';
  stranger('You are logged out.');
}

/** Shows the view of the address. */
async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, search] = location.hash.slice(1).split('?');
  const [pattern, title, view] = VIEWS.find(([pattern]) => pattern.test(path)) ?? [/^/, 'Nothing here', nothing];
  for (const link of document.querySelectorAll('#places a')) {
    if (path.startsWith(link.hash.slice(1))) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${title} – kommando console`;
  const place = { main, me, signal, id: pattern.exec(path).groups?.id, query: new URLSearchParams(search) };
  try {
    await view(place);
    if (!signal.aborted && !main.contains(document.activeElement)) focusHeading(main);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(trouble(error, show));
  }
}

function password({ main }) {
  const done = () => stranger('Your password is changed. Log in with the new one.');
  main.replaceChildren(passwordForm({ userName: me.name, done }));
}

function nothing({ main }) {
  main.replaceChildren(h('h1', {}, 'There is nothing here'), h('p', {}, h('a', { href: '#/users' }, 'Go to the users')));
}
