// The one way to call the server: with the session's token, and errors that say what happened.

const TOKEN = 'XSRF-TOKEN';
const APPLICATION = 'kommando-application';

/** An answer that is no success, or none at all: then its status is 0. */
export class Refusal extends Error {
  constructor(message, { status = 0, headers = new Headers() } = {}) {
    super(message);
    this.status = status;
    this.requestId = headers.get('X-Request-Id');
    this.retryAfter = Number(headers.get('Retry-After')) || null;
    this.outcome = headers.get('X-Command-Outcome');
  }
}

/** Hears of it when the session is over. */
export const session = new EventTarget();

/** The token that proves to the server that a page of its own asks; there is one while there is a session. */
export function token() {
  const found = document.cookie.split('; ').find(cookie => cookie.startsWith(`${TOKEN}=`));
  return found?.slice(TOKEN.length + 1);
}

/** The token of an application, which an online installation wants beside a session. */
export const application = {
  get: () => sessionStorage.getItem(APPLICATION) ?? '',
  set: value => (value ? sessionStorage.setItem(APPLICATION, value) : sessionStorage.removeItem(APPLICATION)),
};

/** Calls the server. The answer's body is null when it has none; it is read as JSON, unless `read` says otherwise. */
export async function call(method, path, { query = {}, body, headers = {}, signal, read = readJson } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const search = given.length ? `?${new URLSearchParams(given)}` : '';
  const response = await send(path + search, {
    method,
    signal,
    headers: {
      Accept: 'application/json',
      ...(token() && { 'X-XSRF-TOKEN': token() }),
      ...(application.get() && { 'SO-AppToken': application.get() }),
      ...(body && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  if (response.ok) return { body: await read(response), headers: response.headers };
  const answer = await readJson(response);
  const refusal = new Refusal(answer?.detail ?? answer?.ErrorMessage ?? response.statusText, response);
  const isLogIn = method === 'POST' && ['/_ext/session', '/_ext/password'].includes(path);
  if (refusal.status === 401 && !isLogIn) session.dispatchEvent(new Event('end'));
  throw refusal;
}

const readJson = response => response.json().catch(() => null);

async function send(address, request) {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal('The server cannot be reached, or the connection broke.');
  }
}

/** Without TLS, browsers drop the cookies of a session, unless they run on the same machine as the server. */
export const NEEDS_TLS =
  'The cookies of a session need HTTPS. Open this page over HTTPS, which a proxy in front of the server speaks, or on the server itself at http://localhost.';

/** Begins a session, and answers who it is. */
export async function logIn(userName, password) {
  await call('POST', '/_ext/session', { body: { userName, password } });
  if (!token()) throw new Refusal(`The browser did not keep the session. ${NEEDS_TLS}`);
  return whoAmI();
}

export const logOut = () => call('DELETE', '/_ext/session');

export const changePassword = (userName, oldPassword, newPassword) =>
  call('POST', '/_ext/password', { body: { userName, oldPassword, newPassword } });

/** The user of the session. */
export async function whoAmI() {
  const { body } = await call('GET', '/api/v1/User/currentPrincipal');
  return {
    id: body.AssociateId,
    name: body.Associate,
    fullName: body.FullName,
    isAdministrator: body.RoleName === 'Administrator',
  };
}
