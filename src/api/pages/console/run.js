// One execution of a command: its inputs, its question, its idempotency key, and its result.

import { call } from './api.js';
import { askInputs, inputErrors } from './command-inputs.js';
import { askQuestion, askToRunAgain } from './dialog.js';
import { announce, displayName, errorBox, focusHeading, h, outcomeTag, tag } from './dom.js';
import { t } from './messages.js';

/** After these the same request is worth another try. It is safe: the idempotency key makes the command run once. */
const RETRY_STATUSES = [0, 409, 429, 502, 503];

let isCheckingLast = false;

/** A second click must not open a second form. */
let isAsking = false;

/**
 * Runs a command on a user, after its inputs are given and its question is answered. `reload` shows the user as it is
 * afterwards.
 */
export async function run(request) {
  if (isAsking) return;
  isAsking = true;
  try {
    if (!request.isDryRun && !(await mayRunAgain(request))) return;
    await ask(request);
  } finally {
    isAsking = false;
  }
}

/** Asks for the inputs and the answer, then sends them. `before` and `errors` are those of an earlier try. */
async function ask(request, before, errors) {
  const { command, user, isDryRun, signal } = request;
  const title = `${command.DisplayName}: ${displayName(user)}`;
  const inputs = command.inputs.length ? await askInputs({ command, title, isDryRun, signal }, before, errors) : { shown: [] };
  if (!inputs) return announce(t('run.cancelled'));
  const filled = { ...request, inputs, key: idempotencyKey() };
  try {
    const { question, confirmation, response } = await questionOf(filled);
    if (response) return await finish(filled, response);
    const answer = await askQuestion({ ...command, ActionData: question }, isDryRun, inputs.shown);
    if (!answer) return announce(t(inputs.values ? 'inputs.cancelled' : 'run.cancelled'));
    await send({ ...filled, answer, confirmation });
  } catch (error) {
    await failed(filled, error, () => ask(request, inputs.values));
  }
}

/**
 * The question, which shows the inputs, and its token. Without inputs, the list of commands has the question. If the
 * definition was changed so that it asks nothing, the command has run, and this is the `response`.
 */
async function questionOf(request) {
  const { command } = request;
  if (command.Actions === 'Implicit' || !(command.inputs.length || command.isBound)) return { question: command.ActionData };
  const response = await post(request, 'Implicit');
  if (response.headers.get('X-Command-Outcome') !== 'asked') return { response };
  return { question: response.body.Message, confirmation: response.headers.get('X-Confirmation') };
}

/** Sends a run. A question leaves the idempotency key free for the answer. */
function post({ command, user, inputs, isDryRun, key, confirmation }, actionResult) {
  return call('POST', `/api/v1/User/${user.id}/CustomCommand/${command.Name}`, {
    query: { actionResult },
    body: inputs.values,
    headers: {
      ...(isDryRun ? { 'X-Dry-Run': 'true' } : { 'Idempotency-Key': key }),
      ...(confirmation && { 'X-Confirmation': confirmation }),
    },
  });
}

/** Shows an error of the inputs in their form, any other one as the result. `retry` repeats what failed. */
async function failed(request, error, retry) {
  const { command, inputs, result } = request;
  const errors = error.status === 400 ? inputErrors(error.message, command.inputs) : {};
  if (Object.keys(errors).length) {
    result.replaceChildren();
    return ask(request, inputs.values, errors);
  }
  result.replaceChildren(errorSection(request, error, isTransient(error) && retry));
}

/** Whether the same request is worth another try. A 409 without Retry-After is a confirmation of another question. */
const isTransient = error => RETRY_STATUSES.includes(error.status) && (error.status !== 409 || error.retryAfter);

/** When the last execution may have changed another system, the user decides whether to run the command again. */
async function mayRunAgain({ command, user, signal }) {
  if (isCheckingLast) return false; // a double click
  isCheckingLast = true;
  try {
    const query = { user: user.id, command: command.Name, limit: 1 };
    const { body } = await call('GET', '/_ext/executions', { query, signal });
    const [last] = body.executions;
    return !['unknown', 'running'].includes(last?.outcome) || (await askToRunAgain(last));
  } catch {
    return !signal.aborted; // running the command shows the error
  } finally {
    isCheckingLast = false;
  }
}

async function send(request) {
  const { command, answer, result } = request;
  const buttons = document.querySelectorAll('button.run');
  buttons.forEach(button => (button.disabled = true));
  result.replaceChildren(h('p', { class: 'busy' }, t('run.busy', { command: command.DisplayName })));
  try {
    const response = await post(request, answer);
    if (response.headers.get('X-Command-Outcome') === 'asked') return await askNewQuestion(request);
    await finish(request, response);
  } catch (error) {
    buttons.forEach(button => (button.disabled = false));
    // The command, its inputs or the user have changed since the question was asked.
    if (error.status === 409 && !isTransient(error)) return askNewQuestion(request);
    await failed(request, error, () => send(request));
    await showUser(request);
  }
}

/** Shows the result of a run, and the user as it is now. */
async function finish(request, { body, headers }) {
  request.result.replaceChildren(resultSection(request, body, headers));
  await showUser(request);
}

async function showUser({ result, reload, signal }) {
  const buttons = document.querySelectorAll('button.run');
  await reload().catch(() => buttons.forEach(button => (button.disabled = false)));
  // The button that had the focus may be gone.
  if (!signal.aborted) focusHeading(result);
}

/** The definition has changed: asks again, with its present inputs and question. */
async function askNewQuestion(request) {
  const { command, inputs, result, reload } = request;
  result.replaceChildren();
  await reload();
  const current = await request.find(command.Name);
  if (current) await ask({ ...request, command: current }, inputs.values);
}

const title = (tag, { command, user }, language) =>
  h('h2', {}, tag, ' ', h('span', { lang: language }, command.DisplayName), `: ${displayName(user)}`);

function resultSection(request, body, headers) {
  const { command, user, isDryRun, result } = request;
  const outcome = headers.get('X-Command-Outcome');
  const language = headers.get('Content-Language');
  announce(`${command.DisplayName}: ${t(`outcome.${outcome}`)}. ${body.Message}`);
  return h(
    'section',
    { class: `result is-${outcome}`, 'aria-label': t('run.result') },
    title(outcomeTag(outcome), request, language),
    isDryRun && h('p', { class: 'fine' }, t('dryRun.after')),
    headers.get('X-Shown-Once') ? secret(body.Message, language) : h('p', { class: 'message', lang: language }, body.Message),
    footer(result, !isDryRun && h('a', { href: `#/executions?user=${user.id}` }, t('run.history'))),
  );
}

/** A message with a secret, which stands behind the last colon. */
function secret(message, language) {
  const [match, value] = /:\s*(\S+)/.exec(message) ?? [message, message];
  const output = h('output', { class: 'secret' }, value);
  const copy = h('button', { type: 'button', onclick: () => copyText(output, copy) }, t('secret.copy'));
  return h(
    'div',
    {},
    h('p', { class: 'message', lang: language }, message.replace(match, ':')),
    h('p', { class: 'secret-line' }, output, copy),
    h('p', { class: 'fine' }, t('secret.once')),
  );
}

async function copyText(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    button.textContent = t('secret.copied');
    announce(t('secret.copied'));
  } catch {
    getSelection().selectAllChildren(element);
    announce(t('secret.selected'));
  }
}

function errorSection(request, error, retry) {
  const { command, isDryRun, result } = request;
  announce(`${command.DisplayName}: ${error.message}`);
  return h(
    'section',
    { class: `result is-${error.outcome ?? 'failed'}`, 'aria-label': t('run.result') },
    title(error.outcome ? outcomeTag(error.outcome) : tag('failed', t('run.notRun')), request),
    errorBox(error, retry),
    error.outcome === 'unknown' && h('p', { class: 'fine' }, t('outcome.unknownHelp')),
    retry && !isDryRun && h('p', { class: 'fine' }, t('run.onceOnly')),
    footer(result),
  );
}

function footer(result, link) {
  const close = () => {
    result.replaceChildren();
    focusHeading(document.querySelector('.detail'));
  };
  return h('p', { class: 'foot' }, link, h('button', { type: 'button', class: 'quiet', onclick: close }, t('button.close')));
}

/** 128 random bits. */
function idempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
