// HTTP calls to the server, with the session's token.

import { locale, t } from './messages.js';

const TOKEN = 'XSRF-TOKEN';
const APPLICATION = 'kommando-application';

/** An error response; status 0 when there was no response. */
export class ApiError extends Error {
  constructor(message, { status = 0, headers = new Headers() } = {}) {
    super(message);
    this.status = status;
    this.requestId = headers.get('X-Request-Id');
    this.retryAfter = Number(headers.get('Retry-After')) || null;
    this.outcome = headers.get('X-Command-Outcome');
  }
}

/** Sends the event `end` when the session has ended. */
export const session = new EventTarget();

/** The session's XSRF token; undefined without a session. */
export function xsrfToken() {
  const found = document.cookie.split('; ').find(cookie => cookie.startsWith(`${TOKEN}=`));
  return found?.slice(TOKEN.length + 1);
}

/** The application token, which an online installation needs besides a session. */
export const applicationToken = {
  get: () => sessionStorage.getItem(APPLICATION) ?? '',
  set: value => (value ? sessionStorage.setItem(APPLICATION, value) : sessionStorage.removeItem(APPLICATION)),
};

/** Calls the server. Returns headers and body; the body is read as JSON, or by `read`, and null when it is empty. */
export async function call(method, path, { query = {}, body, headers = {}, signal, read = readJson } = {}) {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const search = parameters.length ? `?${new URLSearchParams(parameters)}` : '';
  const response = await send(path + search, {
    method,
    signal,
    headers: {
      Accept: 'application/json',
      'Accept-Language': locale,
      ...(xsrfToken() && { 'X-XSRF-TOKEN': xsrfToken() }),
      ...(applicationToken.get() && { 'SO-AppToken': applicationToken.get() }),
      ...(body && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  if (response.ok) return { body: await read(response), headers: response.headers };
  const answer = await readJson(response);
  const error = new ApiError(answer?.detail ?? answer?.ErrorMessage ?? response.statusText, response);
  const isLogIn = method === 'POST' && ['/_ext/session', '/_ext/password'].includes(path);
  if (error.status === 401 && !isLogIn) session.dispatchEvent(new Event('end'));
  throw error;
}

const readJson = response => response.json().catch(() => null);

async function send(address, request) {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(t('error.unreachable'));
  }
}

/** Starts a session and returns its user. */
export async function logIn(userName, password) {
  await call('POST', '/_ext/session', { body: { userName, password } });
  // Browsers drop Secure cookies of a page without HTTPS, except on localhost.
  if (!xsrfToken()) throw new ApiError(`${t('logIn.noCookie')} ${t('logIn.needsHttps')}`);
  return currentUser();
}

export const logOut = () => call('DELETE', '/_ext/session');

export const changePassword = (userName, oldPassword, newPassword) =>
  call('POST', '/_ext/password', { body: { userName, oldPassword, newPassword } });

/** The user of the session. */
export async function currentUser() {
  const { body } = await call('GET', '/api/v1/User/currentPrincipal');
  return {
    id: body.AssociateId,
    name: body.Associate,
    fullName: body.FullName,
    isAdministrator: body.RoleName === 'Administrator',
  };
}
