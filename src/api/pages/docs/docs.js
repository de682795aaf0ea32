// Swagger UI for the served document, and a bar to log in and out.

import { call, currentUser, logIn, logOut, session, xsrfToken } from '/_ext/console/api.js';
import { h } from '/_ext/console/dom.js';
import { language, t } from '/_ext/console/messages.js';

const bar = document.getElementById('session');
bar.lang = language; // Swagger UI itself is in English

const SESSION = '/_ext/session';
const TOKEN_LIFETIME_MS = 50 * 60_000; // access tokens expire after an hour

/** The session's access token, as a promise, and when to renew it. */
let access;

function accessToken() {
  if (!access || access.end < Date.now()) {
    const text = call('GET', '/api/v1/User/currentToken').then(({ body }) => body);
    text.catch(() => (access = undefined));
    access = { text, end: Date.now() + TOKEN_LIFETIME_MS };
  }
  return access.text;
}

/**
 * Sends the access token instead of the session cookie, so that the curl line works outside the browser. Starting and
 * ending the session needs the cookie and its XSRF token.
 */
async function withSession(request) {
  const { origin, pathname } = new URL(request.url, location);
  const isOwn = origin === location.origin;
  if (!isOwn || !xsrfToken() || request.headers.Authorization || !/^\/(api|_ext)\//.test(pathname)) return request;
  try {
    if (pathname !== SESSION) request.headers.Authorization = `Bearer ${await accessToken()}`;
  } catch {
    // The response to the request tells what is wrong with the session.
  }
  if (!request.headers.Authorization) request.headers['X-XSRF-TOKEN'] ??= xsrfToken();
  return request;
}

/** Operations can start and end a session, too, or make a token invalid. */
function onResponse(response) {
  if (response.status === 401) access = undefined;
  if (new URL(response.url, location).pathname === SESSION) showBar();
  return response;
}

const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  filter: true, // by tag
  tryItOutEnabled: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  requestInterceptor: withSession,
  responseInterceptor: onResponse,
  onComplete: collapseAgents,
});

/**
 * Closes the agents, unless the address leads to one. From 150 visible operations on, Swagger UI draws only those near the
 * visible part of the page, and searching in the page does not find the others. Its action `show` would change the address.
 */
function collapseAgents() {
  const tags = ui.specSelectors.taggedOperations().keySeq().filter(tag => tag.endsWith('_Agent'));
  for (const tag of tags.filter(tag => !location.hash.startsWith(`#/${tag}/`))) {
    ui.getStore().dispatch({ type: 'layout_show', payload: { thing: ['operations-tag', tag], shown: false } });
  }
}

session.addEventListener('end', () => showLogIn());
showBar();

async function showBar() {
  access = undefined;
  if (!xsrfToken()) return showLogIn();
  try {
    const me = await currentUser();
    bar.replaceChildren(h('span', {}, t('logIn.as', { name: me.name })), h('button', { type: 'button', onclick: onLogOut }, t('logOut.button')));
  } catch (error) {
    showLogIn(error.status === 401 ? undefined : error.message);
  }
}

async function onLogOut() {
  const token = await access?.text.catch(() => undefined);
  await logOut().catch(() => {}); // it may have ended already
  if (token) await fetch(SESSION, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } }).catch(() => {});
  showBar();
}

function showLogIn(error) {
  const name = h('input', { 'aria-label': t('logIn.user'), placeholder: t('logIn.user'), autocomplete: 'username', autocapitalize: 'none', required: true });
  const password = h('input', { 'aria-label': t('logIn.password'), placeholder: t('logIn.password'), type: 'password', autocomplete: 'current-password', required: true });
  const form = h('form', { 'aria-label': t('logIn.title') }, name, password, h('button', {}, t('logIn.title')), h('span', { class: 'wrong' }, error ?? ''));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await logIn(name.value, password.value);
      showBar();
    } catch (error) {
      form.querySelector('.wrong').textContent = error.status === 401 ? t('logIn.wrong') : error.message;
      password.select();
    }
  });
  bar.replaceChildren(form);
}
