// One execution of a command: its question, its idempotency key, and its result.

import { call } from './api.js';
import { askQuestion, askToRunAgain } from './dialog.js';
import { announce, displayName, errorBox, focusHeading, h, outcomeTag, tag } from './dom.js';
import { t } from './messages.js';

/** After these the same request is worth another try. It is safe: the idempotency key makes the command run once. */
const RETRY_STATUSES = [0, 409, 429, 502, 503];

let isCheckingLast = false;

/** Runs a command on a user, after its question is answered. `reload` shows the user as it is afterwards. */
export async function run(request) {
  const { command, isDryRun } = request;
  if (!isDryRun && !(await mayRunAgain(request))) return;
  const answer = await askQuestion(command, isDryRun);
  if (!answer) return announce(t('run.cancelled'));
  await send({ ...request, answer, key: idempotencyKey() });
}

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
  const { command, user, answer, isDryRun, key, result, reload, signal } = request;
  const buttons = document.querySelectorAll('button.run');
  buttons.forEach(button => (button.disabled = true));
  result.replaceChildren(h('p', { class: 'busy' }, t('run.busy', { command: command.DisplayName })));
  try {
    const { body, headers } = await call('POST', `/api/v1/User/${user.id}/CustomCommand/${command.Name}`, {
      query: { actionResult: answer },
      headers: isDryRun ? { 'X-Dry-Run': 'true' } : { 'Idempotency-Key': key },
    });
    if (headers.get('X-Command-Outcome') === 'asked') return await askNewQuestion(request, body.Message);
    result.replaceChildren(resultSection(request, body, headers));
  } catch (error) {
    result.replaceChildren(errorSection(request, error));
  }
  await reload().catch(() => buttons.forEach(button => (button.disabled = false)));
  // The button that had the focus may be gone.
  if (!signal.aborted) focusHeading(result);
}

/** The definition has changed: the server asks another question. */
async function askNewQuestion(request, question) {
  const { command, user, result, reload } = request;
  const { body } = await call('GET', `/api/v1/User/${user.id}/CustomCommand`);
  const current = body.find(({ Name }) => Name === command.Name);
  result.replaceChildren();
  await reload();
  if (current) await run({ ...request, command: { ...current, danger: command.danger, ActionData: question } });
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

function errorSection(request, error) {
  const { command, isDryRun, result } = request;
  const retry = RETRY_STATUSES.includes(error.status) && (() => send(request));
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
