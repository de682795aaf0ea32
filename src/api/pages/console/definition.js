// The definition of a command that is in force, and whether an execution used it.

import { call } from './api.js';
import { h } from './dom.js';
import { t } from './messages.js';

export async function definition({ main, id: name, query, signal }) {
  const executionId = query.get('execution');
  const [{ body: current }, execution] = await Promise.all([
    call('GET', `/_ext/commands/${name}/definition`, { signal }),
    executionId && call('GET', `/_ext/executions/${executionId}`, { signal }),
  ]);
  if (signal.aborted) return;
  const isOlder = execution && execution.body.definitionHash !== current.hash;
  main.replaceChildren(
    execution
      ? h('a', { class: 'back', href: `#/executions/${executionId}` }, t('execution.title'))
      : h('a', { class: 'back', href: '#/executions' }, t('executions.title')),
    h('h1', {}, `${t('definition.title')}: `, h('code', {}, current.name)),
    isOlder ? h('p', { class: 'notice' }, t('definition.executedOlder')) : '',
    h('p', { class: 'hash' }, 'SHA-256 ', h('code', {}, current.hash)),
    h('pre', { class: 'card', role: 'region', 'aria-label': 'YAML', lang: 'en' }, h('code', {}, current.text)),
  );
}
