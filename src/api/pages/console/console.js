// The session, the bar, and the view of each address.

import { applicationToken, currentUser, logOut, session, xsrfToken } from './api.js';
import { definition } from './definition.js';
import { announce, displayName, errorBox, focusHeading, h } from './dom.js';
import { execution } from './execution.js';
import { executions } from './executions.js';
import { group, groups } from './groups.js';
import { logInForm, passwordForm } from './login.js';
import { LANGUAGES, language, switchLanguage, t } from './messages.js';
import { forgetNames } from './names.js';
import { roles } from './roles.js';
import { userForm } from './user-form.js';
import { userHistory } from './user-history.js';
import { users } from './users.js';
import { webhooks } from './webhooks.js';

/** Address, key of the title, view. */
const VIEWS = [
  [/^\/users(?:\/(?<id>\d+))?$/, 'users.title', users],
  [/^\/users\/new$/, 'users.new', userForm],
  [/^\/users\/(?<id>\d+)\/edit$/, 'users.edit', userForm],
  [/^\/users\/(?<id>\d+)\/history$/, 'history.title', userHistory],
  [/^\/groups$/, 'groups.title', groups],
  [/^\/groups\/new$/, 'groups.new', group],
  [/^\/groups\/(?<id>\d+)$/, 'groups.edit', group],
  [/^\/roles$/, 'roles.title', roles],
  [/^\/executions$/, 'executions.title', executions],
  [/^\/executions\/(?<id>[0-9a-f-]+)$/, 'execution.title', execution],
  [/^\/commands\/(?<id>[\w.-]+)\/definition$/, 'definition.title', definition],
  [/^\/webhooks$/, 'webhooks.title', webhooks],
  [/^\/password$/, 'password.change', password],
];

const main = document.getElementById('main');
const menu = document.getElementById('menu');
let me = null;
let currentView = new AbortController();

translatePage();
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#/') && me) showView();
});
session.addEventListener('end', () => me && showLogIn(t('logIn.sessionEnded')));
document.querySelector('.skip').addEventListener('click', event => {
  event.preventDefault(); // the hash is the view's
  main.focus();
});
start();

/** Puts the texts of index.html into the language, and offers the others. */
function translatePage() {
  document.documentElement.lang = language;
  document.querySelectorAll('[data-text]').forEach(element => (element.textContent = t(element.dataset.text)));
  document.querySelectorAll('[data-aria-label]').forEach(element => element.setAttribute('aria-label', t(element.dataset.ariaLabel)));
  const languages = document.getElementById('language');
  languages.append(...Object.entries(LANGUAGES).map(([value, name]) => h('option', { value, lang: value, selected: value === language }, name)));
  languages.addEventListener('change', () => switchLanguage(languages.value));
}

async function start() {
  if (!xsrfToken()) return showLogIn();
  try {
    onLogIn(await currentUser());
  } catch (error) {
    if (error.status === 401) return showLogIn();
    main.replaceChildren(errorBox(error, start));
  }
}

function showLogIn(notice) {
  currentView.abort();
  me = null;
  forgetNames();
  showBar();
  document.querySelectorAll('dialog').forEach(dialog => dialog.remove());
  setTitle('logIn.title');
  main.replaceChildren(logInForm({ notice, onLogIn }));
  main.querySelector('input').focus();
}

function onLogIn(user) {
  me = user;
  showBar();
  main.replaceChildren(); // removes the login form
  if (location.hash.startsWith('#/')) return showView();
  location.hash = '#/users';
}

/** Shows the menu and the account of the user, or neither. */
function showBar() {
  const account = document.getElementById('account');
  menu.hidden = account.hidden = !me;
  menu.querySelectorAll('.for-administrators').forEach(link => (link.hidden = !me?.isAdministrator));
  if (!me) return;
  account.replaceChildren(
    h('a', { href: '#/password', title: t('password.change') }, displayName(me)),
    h('button', { type: 'button', class: 'quiet', onclick: onLogOut }, t('logOut.button')),
  );
}

async function onLogOut(event) {
  const button = event.currentTarget;
  button.disabled = true;
  try {
    await logOut();
  } catch (error) {
    if (error.status !== 401) {
      button.disabled = false;
      return announce(error.message);
    }
  }
  applicationToken.set('');
  location.hash = '';
  showLogIn(t('logOut.done'));
}

/** Shows the view of the address. */
async function showView() {
  currentView.abort();
  currentView = new AbortController();
  const { signal } = currentView;
  const [path, search] = location.hash.slice(1).split('?');
  const [pattern, title, view] = VIEWS.find(([pattern]) => pattern.test(path)) ?? [/^/, 'page.notFound', notFound];
  for (const link of menu.querySelectorAll('a')) {
    if (path.startsWith(link.hash.slice(1))) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  setTitle(title);
  try {
    await view({ main, me, signal, id: pattern.exec(path).groups?.id, query: new URLSearchParams(search) });
    if (!signal.aborted && !main.contains(document.activeElement)) focusHeading(main);
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(errorBox(error, showView));
  }
}

function setTitle(key) {
  document.title = `${t(key)} – kommando`;
}

function password({ main }) {
  const onChanged = () => showLogIn(t('password.changed'));
  main.replaceChildren(passwordForm({ userName: me.name, onChanged }));
}

function notFound({ main }) {
  main.replaceChildren(h('h1', {}, t('page.notFound')), h('p', {}, h('a', { href: '#/users' }, t('users.all'))));
}
