// The commands of one user: those that may be run, and why the others may not.

import { call } from './api.js';
import { focusHeading, h, tag, time } from './dom.js';
import { byId } from './names.js';
import { run } from './run.js';

const ASKS = { Implicit: 'Runs at once', Ok: 'Asks for OK', OkCancel: 'Asks: OK or Cancel', YesNo: 'Asks: Yes or No' };
const VERDICTS = { denied: 'Not permitted', unavailable: 'Not available now' };

export async function commands({ chosen, renew, me, id, signal }) {
  const result = h('div', { class: 'result-place' });
  const dry = h('input', { type: 'checkbox', id: 'dry-run' });
  const lists = h('div', {});
  const title = h('div', { class: 'title' });
  const user = await load();
  if (signal.aborted) return;
  const back = h('a', { class: 'back', href: '#/users' }, 'All users');
  if (!user) return chosen.replaceChildren(back, h('div', { class: 'empty' }, h('h1', {}, `There is no user ${id}, or you may not see it`)));
  chosen.replaceChildren(
    back,
    title,
    h('div', { class: 'option' }, dry, h('label', { for: dry.id }, 'Dry run: do it, tell what came of it, and keep nothing')),
    result,
    lists,
  );
  dry.addEventListener('change', () => chosen.classList.toggle('is-dry', dry.checked));
  chosen.classList.remove('is-dry');
  focusHeading(chosen);

  /** What was run may have changed both sides. */
  async function reload() {
    await Promise.all([load(), renew()]);
  }

  /** Reads the user and the commands, and shows them. */
  async function load() {
    const [user, offered, all] = await Promise.all([
      byId(id, signal),
      call('GET', `/api/v1/User/${id}/CustomCommand`, { signal }).catch(ifMissing),
      call('GET', '/_ext/commands', { query: { user: id }, signal }).catch(ifMissing),
    ]);
    if (!user || signal.aborted) return;
    const language = offered.headers.get('Content-Language');
    title.replaceChildren(...heading(user, me));
    lists.replaceChildren(
      failedReload(all.body.failedReload),
      permitted(offered.body, language, command => run({ command, user, dryRun: dry.checked, result, reload, signal })),
      refused(all.body.commands.filter(command => command.verdict !== 'permitted'), language),
      h('p', {}, h('a', { href: `#/executions?user=${id}` }, `What was run on ${user.fullName || user.name}`)),
    );
    return user;
  }
}

/** Tells administrators that what they saved is not in force, and why. */
function failedReload(failed) {
  if (!failed) return '';
  return h(
    'section',
    { class: 'trouble', 'aria-label': 'Definitions that are not in force' },
    h('strong', {}, 'The definitions were changed, and are not in force'),
    h('p', {}, 'Those below are the last ones that were right. Read ', time(failed.at), ':'),
    h('ul', {}, failed.faults.map(fault => h('li', {}, h('code', {}, fault)))),
  );
}

function ifMissing(error) {
  if (error.status !== 404) throw error;
  return { body: { commands: [] }, headers: new Headers() };
}

function heading(user, me) {
  return [
    h('h1', {}, user.fullName || user.name),
    me.isAdministrator ? h('a', { class: 'button', href: `#/users/${user.id}/edit` }, 'Edit') : '',
    h('p', { class: 'facts' }, h('code', {}, user.name), ' · ', [user.role, user.group].filter(Boolean).join(' · '), ' ', !user.isActive && tag('retired')),
  ];
}

function permitted(offered, language, start) {
  if (!offered.length) return h('div', { class: 'empty' }, h('p', {}, 'You can run no command on this user now.'));
  const row = command =>
    h(
      'li',
      { class: 'command' },
      h(
        'div',
        {},
        h('h3', { id: `command-${command.Name}`, lang: language }, command.DisplayName),
        h('p', { lang: language }, command.Description || command.ToolTip),
        h('p', { class: 'fine' }, h('code', {}, command.Name), ` · ${ASKS[command.Actions]}`),
      ),
      runButton(command.Name, () => start(command)),
    );
  return h('section', { 'aria-labelledby': 'can-run' }, h('h2', { id: 'can-run', class: 'group' }, 'Can be run'), h('ul', { class: 'commands' }, offered.map(row)));
}

/** Says `Run`, or `Dry run`, and to those who hear it, also what. */
function runButton(name, onclick) {
  const words = [h('span', { class: 'for-real' }, 'Run'), h('span', { class: 'for-show' }, 'Dry run')];
  return h('button', { type: 'button', class: 'run', id: `run-${name}`, 'aria-labelledby': `run-${name} command-${name}`, onclick }, words);
}

function refused(others, language) {
  if (!others.length) return '';
  const row = command =>
    h(
      'li',
      { class: 'command' },
      h(
        'div',
        {},
        h('h3', { lang: language }, command.displayName),
        h('p', {}, tag(command.verdict, VERDICTS[command.verdict]), ' ', h('span', {}, sentence(command.reason))),
        h('p', { class: 'fine' }, h('code', {}, command.name)),
      ),
    );
  return h('section', { 'aria-labelledby': 'cannot-run' }, h('h2', { id: 'cannot-run', class: 'group' }, 'Cannot be run'), h('ul', { class: 'commands' }, others.map(row)));
}

/** A reason as a sentence of its own. */
const sentence = text => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
