// One run of a command: its question, its one key, and what came of it.

import { call } from './api.js';
import { UNKNOWN, ask, askAfterUnknown } from './ask.js';
import { announce, focusHeading, h, tag, trouble } from './dom.js';

/** Where sending the same again is safe, and may help: the key sees to it that the command runs once. */
const WORTH_ANOTHER_TRY = [0, 409, 429, 502, 503];

/** The last run is looked at before a question is asked, or anything is sent. */
let isLooking = false;

/** Runs a command on a user, after its question was answered. `reload` shows the user as it is then. */
export async function run(intent) {
  const { command, user } = intent;
  if (!intent.dryRun && !(await mayRunAgain(intent))) return;
  const answer = await ask(command, user, intent.dryRun);
  if (!answer) return announce('Nothing was sent.');
  await send({ ...intent, answer, key: intent.key ?? key() });
}

/** Where the last run of the command on this user may have done its work in another system, running it again is a decision. */
async function mayRunAgain({ command, user, signal }) {
  if (isLooking) return false; // a second click means the same
  isLooking = true;
  try {
    const query = { user: user.id, command: command.Name, limit: 1 };
    const { body } = await call('GET', '/_ext/executions', { query, signal });
    const [last] = body.executions;
    return !['unknown', 'running'].includes(last?.outcome) || (await askAfterUnknown(command, user, last));
  } catch {
    return !signal.aborted; // running it tells what is wrong
  } finally {
    isLooking = false;
  }
}

async function send(intent) {
  const { command, user, answer, dryRun, result } = intent;
  const buttons = document.querySelectorAll('button.run');
  buttons.forEach(button => (button.disabled = true));
  result.replaceChildren(h('p', { class: 'busy' }, `${command.DisplayName}: under way …`));
  try {
    const { body, headers } = await call('POST', `/api/v1/User/${user.id}/CustomCommand/${command.Name}`, {
      query: { actionResult: answer },
      headers: dryRun ? { 'X-Dry-Run': 'true' } : { 'Idempotency-Key': intent.key },
    });
    if (headers.get('X-Command-Outcome') === 'asked') return await askAgain(intent, body.Message);
    show(result, answered(intent, body, headers));
  } catch (error) {
    show(result, failed(intent, error));
  }
  await intent.reload().catch(() => buttons.forEach(button => (button.disabled = false)));
  // The button that was pressed may be gone: what came of it is where to go on.
  if (!intent.signal.aborted) focusHeading(result);
}

/** The definition changed since it was shown: the question is another one now, and is to be answered anew. */
async function askAgain(intent, question) {
  const { body } = await call('GET', `/api/v1/User/${intent.user.id}/CustomCommand`);
  const now = body.find(command => command.Name === intent.command.Name);
  intent.result.replaceChildren();
  await intent.reload();
  if (now) await run({ ...intent, command: { ...now, ActionData: question } });
}

function answered({ command, user, dryRun, result }, body, headers) {
  const outcome = headers.get('X-Command-Outcome');
  const language = headers.get('Content-Language');
  announce(`${command.DisplayName}: ${outcome}. ${body.Message}`);
  return h(
    'section',
    { class: `result is-${outcome}`, 'aria-label': 'What came of it' },
    h('h2', {}, tag(outcome), ' ', h('span', { lang: language }, command.DisplayName), ` on ${user.fullName || user.name}`),
    dryRun && h('p', { class: 'fine' }, 'A dry run: nothing was kept.'),
    headers.get('X-Shown-Once') ? secret(body.Message, language) : h('p', { class: 'message', lang: language }, body.Message),
    foot(result, !dryRun && h('a', { href: `#/executions?user=${user.id}` }, 'See it in the log')),
  );
}

/** A message with something that is told only now. It stands behind the last colon. */
function secret(message, language) {
  const [whole, value] = /:\s*(\S+)/.exec(message) ?? [message, message];
  const shown = h('output', { class: 'secret' }, value);
  const copy = h('button', { type: 'button', onclick: () => copyText(shown, copy) }, 'Copy');
  return h(
    'div',
    {},
    h('p', { class: 'message', lang: language }, message.replace(whole, ':')),
    h('p', { class: 'secret-line' }, shown, copy),
    h('p', { class: 'fine' }, 'It is shown this once and stored nowhere: note it before you leave this view.'),
  );
}

async function copyText(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    button.textContent = 'Copied';
    announce('Copied.');
  } catch {
    getSelection().selectAllChildren(element);
    announce('It is selected: copy it with the keyboard.');
  }
}

function failed(intent, error) {
  const { command, user, result } = intent;
  const retry = WORTH_ANOTHER_TRY.includes(error.status) && (() => send(intent));
  announce(`${command.DisplayName}: ${error.message}`);
  return h(
    'section',
    { class: `result is-${error.outcome ?? 'failed'}`, 'aria-label': 'What came of it' },
    h('h2', {}, tag(error.outcome ?? 'failed', error.outcome ?? 'not run'), ' ', command.DisplayName, ` on ${user.fullName || user.name}`),
    trouble(error, retry),
    error.outcome === 'unknown' && h('p', { class: 'fine' }, UNKNOWN),
    retry && !intent.dryRun && h('p', { class: 'fine' }, 'It is sent under the same key: it runs once at most, however often it is sent.'),
    foot(result),
  );
}

function foot(result, ...links) {
  const dismiss = () => {
    result.replaceChildren();
    focusHeading(document.querySelector('.chosen'));
  };
  return h('p', { class: 'foot' }, ...links, h('button', { type: 'button', class: 'quiet', onclick: dismiss }, 'Dismiss'));
}

function show(result, section) {
  result.replaceChildren(section);
}

/** 128 random bits. */
function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
