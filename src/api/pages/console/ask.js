// The question of a command, with the buttons that its Actions prescribe.

import { h } from './dom.js';

/** Each button's answer and word; the first one runs the command. */
const BUTTONS = {
  Ok: [['Ok', 'OK']],
  OkCancel: [['Ok', 'OK'], ['Cancel', 'Cancel']],
  YesNo: [['Yes', 'Yes'], ['No', 'No']],
};

/** Asks, and answers which button was pressed: nothing when the dialog was closed, `Implicit` when there is no question. */
export function ask(command, user, dryRun) {
  const buttons = BUTTONS[command.Actions];
  if (!buttons) return Promise.resolve('Implicit');
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'ask-title', 'aria-describedby': 'ask-question' },
    h('h2', { id: 'ask-title' }, command.DisplayName),
    h('p', { id: 'ask-question', class: 'message' }, command.ActionData),
    h('p', { class: 'fine' }, `On ${user.fullName || user.name}. `, dryRun ? 'A dry run keeps nothing.' : ''),
    h('form', { method: 'dialog', class: 'buttons' }, buttons.map(button)),
    h('form', { method: 'dialog', class: 'close' }, h('button', { class: 'quiet', value: '', 'aria-label': 'Close without an answer' }, '×')),
  );
  return show(dialog);
}

/** Shows a dialog, and answers which button closed it. */
function show(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** What an outcome that is not known means, and what to do. */
export const UNKNOWN =
  'Unknown means: the target was called and gave no usable answer, so it may have done its work or not. Nothing is sent again by itself. Look in the target system, and run the command again only if it did nothing there.';

/** Asks before a command is run again whose last run may have done its work; answers whether to. */
export function askAfterUnknown(command, user, last) {
  const isRunning = last.outcome === 'running';
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'again-title', 'aria-describedby': 'again-why' },
    h('h2', { id: 'again-title' }, isRunning ? 'The last run has not ended' : 'The outcome of the last run is unknown'),
    h('p', { id: 'again-why', class: 'message' }, isRunning ? 'It waits for its target, which may do the work twice when the command is run again.' : last.message),
    h('p', { class: 'fine' }, `${command.DisplayName} on ${user.fullName || user.name}. `, isRunning ? '' : UNKNOWN),
    h('p', {}, h('a', { href: `#/executions/${last.id}` }, 'See the last run')),
    h('form', { method: 'dialog', class: 'buttons' }, [['again', 'Run it again'], ['', 'Cancel']].map(button)),
  );
  dialog.querySelector('a').addEventListener('click', () => dialog.close(''));
  return show(dialog).then(answer => answer === 'again');
}

/** The cautious answer, which is the last, has the focus. */
const button = ([value, word], index, all) =>
  h('button', { value, class: index === 0 && 'primary', autofocus: index === all.length - 1 }, word);
