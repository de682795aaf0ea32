// The log: what was run, newest first, by filters, a page at a time.

import { call } from './api.js';
import { choice, field, h, tag, time } from './dom.js';
import { downloadButton } from './download.js';
import { byName, learn, nameOf, userInput, userLink } from './names.js';
import { askedFor, filterForm, growingTable } from './table.js';

const OUTCOMES = ['succeeded', 'failed', 'asked', 'declined', 'denied', 'running', 'unknown'];
const LIMIT = 50;

export async function executions({ main, query, signal }) {
  const asked = askedFor(query, ['user', 'caller', 'command', 'outcome', 'from', 'to']);
  const { body } = await call('GET', '/_ext/commands', { signal });
  await learn([asked.user, asked.caller].filter(Boolean).map(Number), signal);
  await growingTable({
    main,
    signal,
    name: 'Executions',
    columns: ['Begun', 'Outcome', 'Command', 'User', 'Called by', 'Message'],
    action: downloadButton(asked, signal),
    filters: filters(asked, body.commands.map(command => command.name)),
    empty: Object.values(asked).some(Boolean) ? 'No execution fits these filters.' : 'Nothing was run yet. What you run on a user stands here.',
    ask: async cursor => {
      const { body, headers } = await call('GET', '/_ext/executions', { query: { ...asked, limit: LIMIT, cursor }, signal });
      await learn(body.executions.flatMap(one => [one.userId, one.callerId]), signal);
      const language = headers.get('Content-Language');
      return { rows: body.executions.map(one => row(one, language)), next: body.nextCursor };
    },
  });
}

function row(one, language) {
  return h(
    'tr',
    {},
    h('td', {}, h('a', { href: `#/executions/${one.id}` }, time(one.startedAt))),
    h('td', {}, tag(one.outcome)),
    h('td', {}, h('code', {}, one.commandName)),
    h('td', {}, userLink(one.userId)),
    h('td', {}, userLink(one.callerId)),
    h('td', { class: 'text', lang: language }, one.message),
  );
}

function filters(asked, names) {
  const commands = [...new Set([...names, asked.command])].filter(Boolean);
  const [user, userList] = userInput('user', asked.user && nameOf(Number(asked.user)));
  const [caller, callerList] = userInput('caller', asked.caller && nameOf(Number(asked.caller)));
  const command = choice('command', [['', 'Any'], ...commands.map(name => [name, name])], asked.command);
  const outcome = choice('outcome', [['', 'Any'], ...OUTCOMES.map(one => [one, one])], asked.outcome);
  const from = h('input', { type: 'datetime-local', name: 'from', value: local(asked.from) });
  const to = h('input', { type: 'datetime-local', name: 'to', value: local(asked.to) });
  const fields = [
    [field('User', user), userList],
    [field('Called by', caller), callerList],
    field('Command', command),
    field('Outcome', outcome),
    field('Begun from', from),
    field('Before', to),
  ];
  return filterForm('#/executions', fields.flat(), async () => {
    const [user_id, caller_id] = [await idIn(user), await idIn(caller)];
    if (user_id === null || caller_id === null) return null;
    return { user: user_id, caller: caller_id, command: command.value, outcome: outcome.value, from: utc(from.value), to: utc(to.value) };
  });
}

/** The id of the user whom a field names: empty when it names none, and null when there is none. */
async function idIn(input) {
  const text = input.value.trim();
  const found = text && (await byName(text));
  if (found === undefined) {
    input.setCustomValidity('No user has this name; type a name, a user name or an id.');
    input.addEventListener('input', () => input.setCustomValidity(''), { once: true });
    input.reportValidity();
    return null;
  }
  return found ? found.id : '';
}

/** A time as its field has it, which is in the reader's zone, and as the server has it. */
function local(iso) {
  if (!iso) return '';
  const date = new Date(iso);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
const utc = value => (value ? new Date(value).toISOString() : '');
