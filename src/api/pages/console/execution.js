// One execution: what was run on whom, by whom, and what each step did.

import { call } from './api.js';
import { UNKNOWN } from './ask.js';
import { h, tag, time } from './dom.js';
import { learn, userLink } from './names.js';

export async function execution({ main, me, id, signal }) {
  const [{ body: one, headers }, { body: defined }] = await Promise.all([
    call('GET', `/_ext/executions/${id}`, { signal }),
    call('GET', '/_ext/commands', { signal }),
  ]);
  await learn([one.userId, one.callerId], signal);
  const language = headers.get('Content-Language');
  const facts = [
    ['Outcome', [tag(one.outcome), one.outcome === 'unknown' && h('p', { class: 'fine' }, UNKNOWN)]],
    ['Message', h('span', { lang: language }, one.message || '–')],
    ['User', userLink(one.userId)],
    ['Called by', [userLink(one.callerId), one.applicationId ? ` through application ${one.applicationId}` : '']],
    ['Answer', one.actionResult],
    ['Begun', [time(one.startedAt), h('span', { class: 'fine' }, ` ${one.startedAt}`)]],
    ['Ended', one.finishedAt ? [time(one.finishedAt), h('span', { class: 'fine' }, ` ${one.finishedAt}`)] : 'Not yet'],
    ['Definition', definition(one, defined.commands)],
    ['Request', h('code', {}, one.requestId)],
    ['Execution', h('code', {}, one.id)],
  ];
  main.replaceChildren(
    h('a', { class: 'back', href: '#/executions' }, 'All executions'),
    h('h1', {}, h('code', {}, one.commandName)),
    h('dl', { class: 'facts card' }, facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    steps(one.steps, language),
    me.isAdministrator && h('p', {}, h('a', { href: `#/webhooks?execution=${one.id}` }, 'Webhooks that tell of it')),
  );
}

function definition(one, commands) {
  const now = commands.find(command => command.name === one.commandName);
  const isSame = now?.definitionHash === one.definitionHash;
  const words = now ? (isSame ? 'It is the one in force. ' : 'It was changed since. ') : 'It is no longer there. ';
  return [words, h('code', { class: 'hash' }, one.definitionHash)];
}

function steps(steps, language) {
  if (!steps.length) return h('p', { class: 'fine' }, 'No step was done.');
  const item = step => h('li', {}, h('code', {}, step.name), step.result && h('p', { lang: language }, step.result));
  return h('section', { 'aria-labelledby': 'steps' }, h('h2', { id: 'steps' }, 'Steps'), h('ol', { class: 'steps card' }, steps.map(item)));
}
