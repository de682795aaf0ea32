// The outbox: what other systems are told, what became of it, and sending a dead one again.

import { call } from './api.js';
import { announce, choice, field, h, tag, time, trouble } from './dom.js';
import { askedFor, filterForm, growingTable } from './table.js';

const STATES = ['pending', 'delivered', 'dead'];
const LIMIT = 50;

export async function webhooks({ main, query, signal }) {
  const asked = askedFor(query, ['state', 'target', 'execution']);
  await growingTable({
    main,
    signal,
    name: 'Webhooks',
    columns: ['Made', 'Target', 'State', 'Tries', 'Next try', 'Last error', 'Action'],
    filters: filters(asked),
    empty: Object.values(asked).some(Boolean) ? 'No webhook fits these filters.' : 'No command told another system anything yet; the step webhook does.',
    ask: async cursor => {
      const { body } = await call('GET', '/_ext/webhooks', { query: { ...asked, limit: LIMIT, cursor }, signal });
      return { rows: body.webhooks.map(row), next: body.nextCursor };
    },
  });
}

function row(one) {
  const element = h(
    'tr',
    {},
    h('td', {}, h('a', { href: `#/executions/${one.executionId}` }, time(one.createdAt))),
    h('td', {}, one.target),
    h('td', {}, tag(one.state)),
    h('td', {}, String(one.attempts)),
    h('td', {}, time(one.nextAttemptAt)),
    h('td', { class: 'text' }, one.lastError ?? '–'),
    h('td', {}, one.state === 'dead' && h('button', { type: 'button', onclick: event => redrive(one, element, event.target) }, 'Send again')),
  );
  return element;
}

/** Sends a dead webhook again, and shows what became of it. */
async function redrive(one, element, button) {
  button.disabled = true;
  try {
    const { body } = await call('POST', `/_ext/webhooks/${one.id}/redrive`);
    const renewed = row(body);
    element.replaceWith(renewed);
    renewed.querySelector('a').focus();
    announce(`The webhook to ${one.target} is sent again.`);
  } catch (error) {
    button.replaceWith(trouble(error));
  }
}

function filters(asked) {
  const state = choice('state', [['', 'Any'], ...STATES.map(one => [one, one])], asked.state);
  const target = h('input', { name: 'target', value: asked.target, autocomplete: 'off', spellcheck: 'false' });
  const note = asked.execution && h('p', { class: 'fine' }, 'Those of one ', h('a', { href: `#/executions/${asked.execution}` }, 'execution'), '.');
  const collect = () => ({ state: state.value, target: target.value.trim(), execution: asked.execution });
  return filterForm('#/webhooks', [field('State', state), field('Target', target)], collect, note);
}
