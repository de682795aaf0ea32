// Swagger UI over the served document, and a bar in which a session begins and ends.

import { logIn, logOut, session, token, whoAmI } from '/_ext/console/api.js';
import { h } from '/_ext/console/dom.js';

const bar = document.getElementById('session');

const isDark = matchMedia('(prefers-color-scheme: dark)');
const paint = () => document.documentElement.classList.toggle('dark-mode', isDark.matches);
isDark.addEventListener('change', paint);
paint();

/** A page must send its session's token: Swagger UI cannot read cookies by itself. */
function withSession(request) {
  if (token() && !request.headers.Authorization) request.headers['X-XSRF-TOKEN'] ??= token();
  return request;
}

/** A session may begin and end by operations, too. */
function seeSession(response) {
  if (new URL(response.url, location).pathname === '/_ext/session') greet();
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
  if (!token()) return strangers();
  try {
    const me = await whoAmI();
    bar.replaceChildren(h('span', {}, `Logged in as ${me.name}`), h('button', { type: 'button', onclick: leave }, 'Log out'));
  } catch (error) {
    strangers(error.status === 401 ? undefined : error.message);
  }
}

async function leave() {
  await logOut().catch(() => {}); // it may be over already
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
