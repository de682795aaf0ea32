// One execution: command, user, caller, outcome, and what each step did.

import { call } from './api.js';
import { changes } from './changes.js';
import { inputList, recordedInputs } from './command-inputs.js';
import { h, outcomeTag, time } from './dom.js';
import { t } from './messages.js';
import { loadNames, userLink } from './names.js';

export async function execution({ main, me, id, signal }) {
  const [{ body: execution, headers }, { body: list }] = await Promise.all([
    call('GET', `/_ext/executions/${id}`, { signal }),
    call('GET', '/_ext/commands', { signal }),
  ]);
  await loadNames([execution.userId, execution.callerId], signal);
  if (signal.aborted) return;
  const language = headers.get('Content-Language');
  const current = list.commands.find(({ name }) => name === execution.commandName);
  const isCurrent = current?.definitionHash === execution.definitionHash;
  const application = execution.applicationId && ` · ${t('execution.application', { id: String(execution.applicationId) })}`;
  const facts = [
    [t('execution.outcome'), [outcomeTag(execution.outcome), execution.outcome === 'unknown' && h('p', { class: 'fine' }, t('outcome.unknownHelp'))]],
    [t('execution.message'), h('span', { lang: language }, execution.message || '–')],
    [t('execution.command'), h('code', {}, execution.commandName)],
    ...(Object.keys(execution.inputs).length ? [[t('execution.inputs'), inputList(recordedInputs(execution.inputs, isCurrent ? current.inputs : []))]] : []),
    [t('execution.user'), userLink(execution.userId)],
    [t('execution.caller'), [userLink(execution.callerId), application]],
    [t('execution.answer'), answer(execution.actionResult)],
    [t('execution.started'), time(execution.startedAt)],
    [t('execution.finished'), execution.finishedAt ? time(execution.finishedAt) : '–'],
    [t('definition.title'), definition(execution, current, me)],
    [t('execution.requestId'), h('code', {}, execution.requestId)],
    [t('execution.id'), h('code', {}, execution.id)],
  ];
  main.replaceChildren(
    h('a', { class: 'back', href: '#/executions' }, t('executions.title')),
    h('h1', { lang: current && language }, current?.displayName ?? execution.commandName),
    h('dl', { class: 'facts card' }, facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    steps(execution.steps, language),
    me.isAdministrator ? h('p', { class: 'below' }, h('a', { href: `#/webhooks?execution=${execution.id}` }, t('execution.webhooks'))) : '',
  );
}

/** The answer to the question; none was needed for `Implicit`. */
const answer = result => (result === 'Implicit' ? '–' : t(`button.${result.toLowerCase()}`));

/** The hash of the definition that was executed. Administrators can read the one in force. */
function definition(execution, current, me) {
  const hash = h('code', { class: 'hash' }, execution.definitionHash);
  if (!current) return [t('definition.removed'), ' ', hash];
  const link = content => h('a', { href: `#/commands/${execution.commandName}/definition?execution=${execution.id}` }, content);
  if (current.definitionHash === execution.definitionHash) return [t('definition.current'), ' ', me.isAdministrator ? link(hash) : hash];
  return [t('definition.older'), ' ', hash, me.isAdministrator && h('p', {}, link(t('definition.showCurrent')))];
}

function steps(steps, language) {
  if (!steps.length) return h('p', { class: 'fine' }, t('execution.noSteps'));
  const item = step => h('li', {}, h('code', {}, step.name), step.result && h('p', { lang: language }, step.result), changes(step.before, step.after));
  return h('section', { 'aria-labelledby': 'steps' }, h('h2', { id: 'steps' }, t('execution.steps')), h('ol', { class: 'steps card' }, steps.map(item)));
}
