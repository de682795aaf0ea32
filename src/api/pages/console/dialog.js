// The dialogs before a command runs: its question, and the warning after an execution with an unknown outcome.

import { inputList } from './command-inputs.js';
import { h } from './dom.js';
import { t } from './messages.js';

/** The answers of each kind of confirmation, and the key of each button's text. The first one runs the command. */
const ANSWERS = {
  Ok: [['Ok', 'button.ok']],
  OkCancel: [['Ok', 'button.ok'], ['Cancel', 'button.cancel']],
  YesNo: [['Yes', 'button.yes'], ['No', 'button.no']],
};

/**
 * Asks a command's question. `inputs` are pairs of label and text. Returns the answer: empty when the dialog was closed,
 * `Implicit` without a question.
 */
export function askQuestion(command, isDryRun, inputs = []) {
  const answers = ANSWERS[command.Actions];
  if (!answers) return Promise.resolve('Implicit');
  return show(
    h(
      'dialog',
      { 'aria-labelledby': 'question' },
      h('h2', { id: 'question', class: 'message' }, command.ActionData),
      inputs.length > 0 && inputList(inputs),
      isDryRun && h('p', { class: 'fine' }, t('dryRun.before')),
      h('form', { method: 'dialog', class: 'buttons' }, command.danger ? dangerButtons(command, answers) : buttons(answers)),
      closeButton(),
    ),
  );
}

const buttons = answers => answers.map(([value, key], index) => button(value, t(key), index === 0 && 'primary', index === answers.length - 1));

/** A red button with the command's name, and one to cancel, which has the focus. */
function dangerButtons(command, [[run], [cancel = ''] = []]) {
  return [button(run, command.DisplayName, 'danger'), button(cancel, t('button.cancel'), false, true)];
}

const button = (value, text, look, hasFocus) => h('button', { value, class: look, autofocus: hasFocus }, text);

function closeButton() {
  return h('form', { method: 'dialog', class: 'close' }, h('button', { class: 'quiet', value: '', 'aria-label': t('button.close') }, '×'));
}

/** Shows a dialog. Returns the value of the button that closed it. */
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

/** Asks before a command runs again whose last execution is running or unknown. Returns whether to run it. */
export async function askToRunAgain(last) {
  const isRunning = last.outcome === 'running';
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'again-title', 'aria-describedby': 'again-why' },
    h('h2', { id: 'again-title' }, t(isRunning ? 'again.running' : 'again.unknown')),
    h('p', { id: 'again-why', class: 'message' }, isRunning ? t('again.runningHelp') : last.message),
    !isRunning && h('p', { class: 'fine' }, t('outcome.unknownHelp')),
    h('p', {}, h('a', { href: `#/executions/${last.id}` }, t('again.show'))),
    h('form', { method: 'dialog', class: 'buttons' }, button('again', t('again.run'), 'primary'), button('', t('button.cancel'), false, true)),
    closeButton(),
  );
  dialog.querySelector('a').addEventListener('click', () => dialog.close(''));
  return (await show(dialog)) === 'again';
}
