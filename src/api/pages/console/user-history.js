// The history of a user: changes and executions of commands, newest first.

import { call } from './api.js';
import { changes } from './changes.js';
import { inputList, recordedInputs } from './command-inputs.js';
import { displayName, field, h, outcomeTag, select, time } from './dom.js';
import { downloadButtons } from './download.js';
import { t } from './messages.js';
import { commandNames, commandTitle, loadNames, userById, userLink } from './names.js';
import { filterForm, filtersOf, pagedTable, tableRow, timeRange } from './table.js';

const EXECUTED = 'command.executed';
/** What can be done to a user. */
const ACTIONS = [
  'user.created',
  'user.updated',
  'user.deactivated',
  'user.reactivated',
  'password.set',
  'password.reset',
  'credential.removed',
  'secret.saved',
  'secret.deleted',
  'note.saved',
  'ticket.issued',
  'tickets.revoked',
  EXECUTED,
];
const WAYS = ['rest', 'agent', 'console', 'command_line', 'import', 'identity_provider', 'system'];
const LIMIT = 50;
const COLUMNS = [
  { label: t('history.time') },
  { label: t('history.actor') },
  { label: t('history.way') },
  { label: t('history.action'), isLong: true },
  { label: t('history.details'), isLong: true },
];

export async function userHistory({ main, me, id, query, signal }) {
  const filters = filtersOf(query, ['action', 'way', 'from', 'to']);
  const [user, commands] = await Promise.all([userById(id, signal), commandNames(signal)]);
  if (signal.aborted) return;
  const back = h('a', { class: 'back', href: `#/users/${id}` }, t('form.back'));
  if (!user) return main.replaceChildren(back, h('h1', {}, t('user.missing', { id })));
  const seesAll = me.isAdministrator || me.id === user.id;
  const ofUser = { ...filters, subject: id };
  await pagedTable({
    main,
    signal,
    back,
    name: `${t('history.title')}: ${displayName(user)}`,
    note: [
      !seesAll && h('p', { class: 'facts' }, t('history.onlyOwn')),
      filters.action && filters.action !== EXECUTED && h('p', { class: 'facts' }, t('history.byCommand', { action: t(EXECUTED) })),
    ].filter(Boolean),
    columns: COLUMNS,
    action: downloadButtons({ path: '/_ext/audit', query: ofUser, name: `history-${user.name}`, signal }),
    filters: form(id, filters),
    empty: t(emptyText(filters, seesAll)),
    loadPage: async cursor => {
      const { body, headers } = await call('GET', '/_ext/audit', { query: { ...ofUser, limit: LIMIT, cursor }, signal });
      await loadNames(body.entries.map(({ actorId }) => actorId).filter(Boolean), signal);
      const language = headers.get('Content-Language');
      return { rows: body.entries.map(entry => row(entry, commands, language, me)), next: body.nextCursor };
    },
  });
}

function emptyText(filters, seesAll) {
  if (Object.values(filters).some(Boolean)) return 'history.noMatch';
  return seesAll ? 'history.none' : 'history.noneOwn';
}

function row(entry, commands, language, me) {
  const isExecution = entry.action === EXECUTED;
  return tableRow(COLUMNS, [
    time(entry.time),
    actor(entry),
    entry.way && t(`way.${entry.way}`),
    isExecution ? execution(entry, commands, me) : actionName(entry.action),
    isExecution ? outcome(entry, language) : changes(entry.before, entry.after),
  ]);
}

const actionName = action => (ACTIONS.includes(action) ? t(action) : h('code', {}, action));

/** Who did it: a user, a user of the operating system, both, or the server. */
function actor({ actorId, actorName, applicationId, operator }) {
  const ofSystem = name => t('history.operator', { name });
  if (!actorId) return actorName ? ofSystem(actorName) : t('history.server');
  return [
    userLink(actorId, actorName),
    applicationId && h('p', { class: 'fine' }, t('execution.application', { id: String(applicationId) })),
    operator && h('p', { class: 'fine' }, ofSystem(operator)),
  ];
}

/** The command, with a link to the execution for those who may see it: administrators and the caller. */
function execution({ id, action, actorId, after }, commands, me) {
  const title = commandTitle(commands, after.command);
  const maySee = me.isAdministrator || actorId === me.id;
  return [`${t(action)}: `, maySee ? h('a', { href: `#/executions/${id}` }, title) : title];
}

/** The outcome of an execution, its message, and the fields that it changed. */
function outcome({ before, after: { outcome, message, command, actionResult, inputs, ...after } }, language) {
  return [
    outcomeTag(outcome),
    ' ',
    message && h('span', { lang: language }, message),
    inputs && inputList(recordedInputs(inputs)),
    changes(before, after),
  ];
}

function form(id, filters) {
  const option = (name, words) => select(name, [['', t('filter.all')], ...words], filters[name]);
  const action = option('action', ACTIONS.map(one => [one, t(one)]));
  const way = option('way', WAYS.map(one => [one, t(`way.${one}`)]));
  const range = timeRange(filters);
  const fields = [field(t('history.action'), action), field(t('history.way'), way), ...range.fields];
  return filterForm(`#/users/${id}/history`, fields, () => ({ action: action.value, way: way.value, ...range.values() }));
}
