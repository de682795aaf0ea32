// The commands of one user: those that can run now, and why the others cannot.

import { call } from './api.js';
import { announce, checkbox, displayName, field, focusHeading, h, retiredTag, tag, time } from './dom.js';
import { t } from './messages.js';
import { userById } from './names.js';
import { run } from './run.js';

/** A longer list of commands can be searched. */
const MANY = 8;

export async function commands({ detail, reloadUsers, me, id, signal }) {
  const result = h('div', { class: 'result-place' });
  const dryRun = checkbox(t('dryRun.label'), { id: 'dry-run' });
  const search = h('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
  const searchField = field(t('commands.search'), search);
  const [title, lists] = [h('div', { class: 'title' }), h('div', {})];
  const user = await load();
  if (signal.aborted) return;
  const back = h('a', { class: 'back', href: '#/users' }, t('users.all'));
  if (!user) {
    detail.replaceChildren(back, h('div', { class: 'empty' }, h('h1', {}, t('user.missing', { id }))));
    return;
  }
  detail.replaceChildren(back, title, dryRun.element, result, searchField, lists);
  dryRun.box.addEventListener('change', () => detail.classList.toggle('is-dry', dryRun.box.checked));
  detail.classList.remove('is-dry');
  search.addEventListener('input', () => announce(t('commands.count', { count: showMatches(lists, search.value) })));
  focusHeading(detail);

  /** A command may have changed the user and the list of users. */
  async function reload() {
    await Promise.all([load(), reloadUsers()]);
  }

  /** Loads and shows the user and the commands. */
  async function load() {
    const [user, available, all] = await Promise.all([
      userById(id, signal),
      call('GET', `/api/v1/User/${id}/CustomCommand`, { signal }).catch(emptyIfMissing),
      call('GET', '/_ext/commands', { query: { user: id }, signal }).catch(emptyIfMissing),
    ]);
    if (!user || signal.aborted) return;
    const language = available.headers.get('Content-Language');
    const definitions = new Map(all.body.commands.map(definition => [definition.name, definition]));
    const complete = command => withDefinition(command, definitions.get(command.Name));
    const find = name => findCommand(id, name);
    const start = command => run({ command, user, isDryRun: dryRun.box.checked, result, reload, find, signal });
    const others = all.body.commands.filter(({ verdict }) => verdict !== 'permitted');
    title.replaceChildren(...heading(user, me));
    lists.replaceChildren(
      reloadError(all.body.failedReload),
      availableCommands(available.body.map(complete), language, start),
      unavailableCommands(others, language),
      h('p', { class: 'no-match', hidden: true }, t('commands.noMatch')),
      h('p', {}, h('a', { href: `#/executions?user=${id}` }, t('executions.title'))),
    );
    searchField.hidden = definitions.size <= MANY;
    showMatches(lists, search.value);
    return user;
  }
}

/** A command as it is now; undefined if it cannot be run any more. */
async function findCommand(id, name) {
  const [{ body: available }, { body: all }] = await Promise.all([
    call('GET', `/api/v1/User/${id}/CustomCommand`),
    call('GET', '/_ext/commands', { query: { user: id } }),
  ]);
  const command = available.find(({ Name }) => Name === name);
  return command && withDefinition(command, all.commands.find(definition => definition.name === name));
}

/** A command of the list with what only its definition tells. */
const withDefinition = (command, definition) => ({
  ...command,
  danger: definition?.danger,
  inputs: definition?.inputs ?? [],
  isBound: definition?.confirmBinding === 'required',
});

/** Hides the commands that do not contain the text. Returns how many are left. */
function showMatches(lists, text) {
  const wanted = text.trim().toLowerCase();
  const items = [...lists.querySelectorAll('.command')];
  for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(wanted);
  for (const section of lists.querySelectorAll('section.group')) section.hidden = !section.querySelector('.command:not([hidden])');
  const count = items.filter(item => !item.hidden).length;
  lists.querySelector('.no-match').hidden = count > 0 || !items.length;
  return count;
}

/** Tells administrators that changed definitions are not in force, and why. */
function reloadError(failed) {
  if (!failed) return '';
  return h(
    'section',
    { class: 'error', 'aria-labelledby': 'reload-error' },
    h('strong', { id: 'reload-error' }, t('reload.title')),
    h('p', {}, t('reload.help'), ' ', time(failed.at)),
    h('ul', {}, failed.errors.map(error => h('li', {}, h('code', {}, error)))),
  );
}

function emptyIfMissing(error) {
  if (error.status !== 404) throw error;
  return { body: { commands: [] }, headers: new Headers() };
}

function heading(user, me) {
  return [
    h('h1', {}, displayName(user)),
    h(
      'div',
      { class: 'buttons' },
      h('a', { class: 'button', href: `#/users/${user.id}/history` }, t('history.title')),
      me.isAdministrator && h('a', { class: 'button', href: `#/users/${user.id}/edit` }, t('button.edit')),
    ),
    h('p', { class: 'facts' }, h('code', {}, user.name), ' · ', [user.role, user.group].filter(Boolean).join(' · '), ' ', !user.isActive && retiredTag()),
  ];
}

function availableCommands(available, language, start) {
  if (!available.length) return h('div', { class: 'empty' }, h('p', {}, t('commands.none')));
  const confirmation = command => {
    if (command.inputs.length) return t('commands.takesInputs');
    return t(command.Actions === 'Implicit' ? 'commands.immediate' : 'commands.asks');
  };
  const item = command =>
    h(
      'li',
      { class: 'command' },
      h(
        'div',
        {},
        h('h3', { id: `command-${command.Name}`, lang: language }, command.DisplayName),
        h('p', { lang: language }, command.Description || command.ToolTip),
        h('p', { class: 'fine' }, h('code', {}, command.Name), ` · ${confirmation(command)}`),
      ),
      runButton(command, () => start(command)),
    );
  return commandSection('available', t('commands.available'), available.map(item));
}

/** Reads `Run` or `Dry run`; screen readers also say the command. */
function runButton({ Name, danger }, onclick) {
  const texts = [h('span', { class: 'for-real' }, t('commands.run')), h('span', { class: 'for-dry' }, t('commands.dryRun'))];
  return h('button', { type: 'button', class: danger ? 'run is-danger' : 'run', id: `run-${Name}`, 'aria-labelledby': `run-${Name} command-${Name}`, onclick }, texts);
}

function unavailableCommands(others, language) {
  if (!others.length) return '';
  const item = command =>
    h(
      'li',
      { class: 'command' },
      h(
        'div',
        {},
        h('h3', { lang: language }, command.displayName),
        h('p', {}, tag(command.verdict, t(`verdict.${command.verdict}`)), ' ', h('span', {}, command.reason)),
        h('p', { class: 'fine' }, h('code', {}, command.name)),
      ),
    );
  return commandSection('unavailable', t('commands.unavailable'), others.map(item));
}

function commandSection(id, title, items) {
  return h('section', { class: 'group', 'aria-labelledby': id }, h('h2', { id }, title), h('ul', { class: 'commands' }, items));
}
