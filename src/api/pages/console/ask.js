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
  document.body.append(dialog);
  dialog.showModal();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

/** The cautious answer, which is the last, has the focus. */
const button = ([value, word], index, all) =>
  h('button', { value, class: index === 0 && 'primary', autofocus: index === all.length - 1 }, word);
