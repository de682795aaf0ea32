// Swagger UI over the served document, and a bar in which a session begins and ends.

import { call, logIn, logOut, session, token, whoAmI } from '/_ext/console/api.js';
import { h } from '/_ext/console/dom.js';

const bar = document.getElementById('session');

const isDark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark-mode', isDark.matches);
isDark.addEventListener('change', paint);
paint();

const SESSION = '/_ext/session';
const TOKEN_LIFE = 50 * 60_000; // ms; an access token lives for an hour

/** The access token of the session: a promise, and when another one is due. */
let access;

function accessToken() {
  if (!access || access.end < Date.now()) {
    const text = call('GET', '/api/v1/User/currentToken').then(({ body }) => body);
    text.catch(() => (access = undefined));
    access = { text, end: Date.now() + TOKEN_LIFE };
  }
  return access.text;
}

/**
 * Requests go out with an access token, which the curl line shows: it works where there is no cookie. The session itself is
 * begun and ended by its cookie, which takes the token of the page beside it.
 */
async function withSession(request) {
  const { origin, pathname } = new URL(request.url, location);
  const isOwn = origin === location.origin;
  if (!isOwn || !token() || request.headers.Authorization || !/^\/(api|_ext)\//.test(pathname)) return request;
  try {
    if (pathname !== SESSION) request.headers.Authorization = `Bearer ${await accessToken()}`;
  } catch {
    // What is wrong with the session is answered to the request itself.
  }
  if (!request.headers.Authorization) request.headers['X-XSRF-TOKEN'] ??= token();
  return request;
}

/** A session may begin and end by operations, too, and a token before its time. */
function seeSession(response) {
  if (response.status === 401) access = undefined;
  if (new URL(response.url, location).pathname === SESSION) greet();
  return response;
}

SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  persistAuthorization: true,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
  requestInterceptor: withSession,
  responseInterceptor: seeSession,
});

session.addEventListener('end', () => strangers());
greet();

async function greet() {
  access = undefined;
  if (!token()) return strangers();
  try {
    const me = await whoAmI();
    bar.replaceChildren(h('span', {}, `Logged in as ${me.name}`), h('button', { type: 'button', onclick: leave }, 'Log out'));
  } catch (error) {
    strangers(error.status === 401 ? undefined : error.message);
  }
}

async function leave() {
  const used = await access?.text.catch(() => undefined);
  await logOut().catch(() => {}); // it may be over already
  if (used) await fetch(SESSION, { method: 'DELETE', headers: { Authorization: `Bearer ${used}` } }).catch(() => {});
  greet();
}

function strangers(wrong) {
  const name = h('input', { 'aria-label': 'User', placeholder: 'User', autocomplete: 'username', autocapitalize: 'none', required: true });
  const password = h('input', { 'aria-label': 'Password', placeholder: 'Password', type: 'password', autocomplete: 'current-password', required: true });
  const form = h('form', { 'aria-label': 'Log in' }, name, password, h('button', {}, 'Log in'), h('span', { class: 'wrong' }, wrong ?? ''));
  form.addEventListener('submit', async event => {
    event.preventDefault();
    try {
      await logIn(name.value, password.value);
      greet();
    } catch (error) {
      form.querySelector('.wrong').textContent = error.status === 401 ? 'Name and password do not belong together.' : error.message;
      password.select();
    }
  });
  bar.replaceChildren(form);
}
