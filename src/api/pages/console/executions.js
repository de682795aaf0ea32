// The execution history: newest first, with filters, page by page.

import { call } from './api.js';
import { field, h, outcomeTag, select, time } from './dom.js';
import { downloadButtons } from './download.js';
import { t } from './messages.js';
import { commandNames, commandTitle, inputLabel, loadNames, userInput, userLink, usersNamed } from './names.js';
import { filterForm, filtersOf, pagedTable, tableRow, timeRange } from './table.js';

const OUTCOMES = ['succeeded', 'failed', 'asked', 'declined', 'denied', 'running', 'unknown'];
const LIMIT = 50;
const COLUMNS = [
  { label: t('execution.started') },
  { label: t('execution.outcome') },
  { label: t('execution.command') },
  { label: t('execution.user') },
  { label: t('execution.caller') },
  { label: t('execution.message'), isLong: true },
];

export async function executions({ main, query, signal }) {
  const filters = filtersOf(query, ['user', 'caller', 'command', 'outcome', 'from', 'to']);
  const commands = await commandNames(signal);
  await loadNames([filters.user, filters.caller].filter(Boolean).map(Number), signal);
  await pagedTable({
    main,
    signal,
    name: t('executions.title'),
    columns: COLUMNS,
    action: downloadButtons({ path: '/_ext/executions', query: filters, name: 'executions', signal }),
    filters: form(filters, commands.names),
    empty: t(Object.values(filters).some(Boolean) ? 'executions.noMatch' : 'executions.none'),
    loadPage: async cursor => {
      const { body, headers } = await call('GET', '/_ext/executions', { query: { ...filters, limit: LIMIT, cursor }, signal });
      await loadNames(body.executions.flatMap(({ userId, callerId }) => [userId, callerId]), signal);
      const language = headers.get('Content-Language');
      return { rows: body.executions.map(execution => row(execution, commands, language)), next: body.nextCursor };
    },
  });
}

function row(execution, commands, language) {
  return tableRow(COLUMNS, [
    h('a', { href: `#/executions/${execution.id}` }, time(execution.startedAt)),
    outcomeTag(execution.outcome),
    commandTitle(commands, execution.commandName),
    userLink(execution.userId),
    userLink(execution.callerId),
    execution.message && h('span', { lang: language }, execution.message),
  ]);
}

function form(filters, names) {
  const { user: userId, caller: callerId } = filters;
  const [user, userList] = userInput('user', userId && inputLabel(Number(userId)));
  const [caller, callerList] = userInput('caller', callerId && inputLabel(Number(callerId)));
  const known = filters.command && !names.has(filters.command) ? new Map([...names, [filters.command, filters.command]]) : names;
  const command = select('command', [['', t('filter.all')], ...commandOptions(known)], filters.command);
  const outcome = select('outcome', [['', t('filter.all')], ...OUTCOMES.map(one => [one, t(`outcome.${one}`)])], filters.outcome);
  const range = timeRange(filters);
  const fields = [
    [field(t('execution.user'), user), userList],
    [field(t('execution.caller'), caller), callerList],
    field(t('execution.command'), command),
    field(t('execution.outcome'), outcome),
    range.fields,
  ];
  return filterForm('#/executions', fields.flat(), async () => {
    const [userId, callerId] = [await userIdIn(user), await userIdIn(caller)];
    if (userId === null || callerId === null) return null;
    return { user: userId, caller: callerId, command: command.value, outcome: outcome.value, ...range.values() };
  });
}

/** Commands by display name; two with the same one are told apart by their names. */
function commandOptions(names) {
  const displayNames = [...names.values()];
  const isUnique = displayName => displayNames.filter(other => other === displayName).length === 1;
  return [...names].map(([name, displayName]) => [name, isUnique(displayName) ? displayName : `${displayName} (${name})`]);
}

/** The id of the user in an input: '' when it is empty, null when it is not exactly one user. */
async function userIdIn(input) {
  const text = input.value.trim();
  if (!text) return '';
  const users = await usersNamed(text);
  if (users.length === 1) return users[0].id;
  input.setCustomValidity(t(users.length ? 'user.ambiguous' : 'user.unknown'));
  input.addEventListener('input', () => input.setCustomValidity(''), { once: true });
  input.reportValidity();
  return null;
}
