// The outbox of webhooks: what is sent to other systems, its state, and sending a dead one again.

import { call } from './api.js';
import { announce, errorBox, field, h, select, tag, time } from './dom.js';
import { t } from './messages.js';
import { filterForm, filtersOf, pagedTable, tableRow } from './table.js';

const STATES = ['pending', 'delivered', 'dead'];
const LIMIT = 50;
const COLUMNS = [
  { label: t('webhooks.created') },
  { label: t('webhooks.target') },
  { label: t('webhooks.state') },
  { label: t('webhooks.attempts') },
  { label: t('webhooks.nextAttempt') },
  { label: t('webhooks.lastError'), isLong: true },
  { label: t('webhooks.action') },
];

export async function webhooks({ main, query, signal }) {
  const filters = filtersOf(query, ['state', 'target', 'execution']);
  await pagedTable({
    main,
    signal,
    name: t('webhooks.title'),
    columns: COLUMNS,
    filters: form(filters),
    empty: t(Object.values(filters).some(Boolean) ? 'webhooks.noMatch' : 'webhooks.none'),
    loadPage: async cursor => {
      const { body } = await call('GET', '/_ext/webhooks', { query: { ...filters, limit: LIMIT, cursor }, signal });
      return { rows: body.webhooks.map(row), next: body.nextCursor };
    },
  });
}

function row(webhook) {
  const sendAgain = event => redrive(webhook, element, event.currentTarget);
  const element = tableRow(COLUMNS, [
    h('a', { href: `#/executions/${webhook.executionId}` }, time(webhook.createdAt)),
    webhook.target,
    tag(webhook.state, t(`webhooks.${webhook.state}`)),
    String(webhook.attempts),
    webhook.nextAttemptAt && time(webhook.nextAttemptAt),
    webhook.lastError,
    webhook.state === 'dead' && h('button', { type: 'button', onclick: sendAgain }, t('webhooks.sendAgain')),
  ]);
  return element;
}

/** Sends a dead webhook again, and shows its new state. */
async function redrive(webhook, element, button) {
  button.disabled = true;
  try {
    const { body } = await call('POST', `/_ext/webhooks/${webhook.id}/redrive`);
    const updated = row(body);
    element.replaceWith(updated);
    updated.querySelector('a').focus();
    announce(t('webhooks.sentAgain', { target: webhook.target }));
  } catch (error) {
    button.replaceWith(errorBox(error));
  }
}

function form({ state: selected, target: wanted, execution }) {
  const state = select('state', [['', t('filter.all')], ...STATES.map(one => [one, t(`webhooks.${one}`)])], selected);
  const target = h('input', { name: 'target', value: wanted, autocomplete: 'off', spellcheck: 'false' });
  const note = execution && h('p', { class: 'fine' }, t('webhooks.ofExecution'), ' ', h('a', { href: `#/executions/${execution}` }, t('execution.title')));
  const collect = () => ({ state: state.value, target: target.value.trim(), execution });
  return filterForm('#/webhooks', [field(t('webhooks.state'), state), field(t('webhooks.target'), target)], collect, note);
}
