// The form for the inputs of a command.

import { allGroups, allRoles } from './directory.js';
import { announce, field, h, select } from './dom.js';
import { t } from './messages.js';
import { inputLabel, loadNames, userInput, usersNamed } from './names.js';

/** Texts with a name: `Sales`. The server finds the group or role. */
const NAMED = { autocomplete: 'off', spellcheck: 'false' };
const HIDDEN = '••••••';

/**
 * Asks for the inputs. Returns `values`, the body of the request, and `shown`, pairs of label and text; undefined when the
 * dialog was closed. `before` has the values of an earlier try, and `errors` what the server said of them, by name.
 */
export async function askInputs({ command, title, isDryRun, signal }, before = {}, errors = {}) {
  const lists = await pickerLists(command.inputs, before, signal);
  if (signal.aborted) return undefined;
  const of = (values, name) => (Object.hasOwn(values, name) ? values[name] : undefined);
  const controls = command.inputs.map(input => control(input, of(before, input.name), of(errors, input.name), lists));
  const cancel = h('button', { type: 'button', onclick: () => dialog.close() }, t('button.cancel'));
  const problem = h('p', { class: 'fine' }, Object.keys(errors).length ? t('inputs.check') : '');
  const form = h(
    'form',
    { class: 'inputs', method: 'dialog', novalidate: true },
    controls.map(({ element }) => element),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, t('inputs.next')), cancel),
  );
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'inputs-title' },
    h('h2', { id: 'inputs-title' }, title),
    command.help && h('p', {}, command.help),
    isDryRun && h('p', { class: 'fine' }, t('dryRun.before')),
    problem,
    form,
  );
  let given;
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const read = await Promise.all(controls.map(control => control.read()));
    const wrong = controls.find(({ error }) => !error.hidden);
    if (wrong) {
      wrong.focus.focus();
      return announce(wrong.error.textContent);
    }
    given = collect(command.inputs, read);
    dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  (controls.find(({ error }) => !error.hidden) ?? controls[0])?.focus.focus();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(given);
    });
  });
}

/** The errors that a message of the server has for inputs, by name: "`reason` takes a text …. `until` is missing." */
export function inputErrors(message, inputs) {
  const errors = {};
  for (const { name } of inputs) {
    const start = message.indexOf(`\`${name}\` `);
    if (start < 0) continue;
    const rest = message.slice(start + name.length + 3);
    const next = inputs.map(other => rest.indexOf(`. \`${other.name}\` `)).filter(index => index >= 0);
    errors[name] = rest.slice(0, next.length ? Math.min(...next) + 1 : undefined);
  }
  return errors;
}

/** The values of a record, as pairs of label and text. */
export function recordedInputs(recorded, inputs = []) {
  const input = name => inputs.find(known => known.name === name);
  const text = (name, value) => {
    if (typeof value === 'boolean') return t(value ? 'button.yes' : 'button.no');
    if (typeof value === 'object') return value.name;
    return input(name)?.values.find(choice => choice.value === value)?.label ?? String(value);
  };
  return Object.entries(recorded).map(([name, value]) => [input(name)?.label ?? name, text(name, value)]);
}

/** Labels and texts as a list. */
export const inputList = pairs => h('dl', { class: 'inputs' }, pairs.flatMap(([label, text]) => [h('dt', {}, label), h('dd', {}, text)]));

/** The groups, roles and names of users that the form needs. Without the right to list them, a name is typed. */
async function pickerLists(inputs, before, signal) {
  const needs = type => inputs.some(input => input.type === type);
  const users = inputs.filter(({ type, name }) => type === 'user' && Object.hasOwn(before, name)).map(({ name }) => before[name]);
  const [groups, roles] = await Promise.all([
    needs('group') ? allGroups(signal).catch(() => null) : null,
    needs('role') ? allRoles(signal).catch(() => null) : null,
    users.length ? loadNames(users, signal).catch(() => null) : null,
  ]);
  return { group: groups?.filter(group => !group.isDeleted), role: roles };
}

function collect(inputs, read) {
  const values = {};
  const shown = [];
  inputs.forEach(({ name, label }, index) => {
    const { value, text } = read[index];
    if (value === undefined) return;
    values[name] = value;
    shown.push([label, text ?? String(value)]);
  });
  return { values, shown };
}

/** A field with its label, its error, and `read`, which returns value and text. */
function control(input, before, message, lists) {
  const [element, list, readValue] = CONTROLS[input.type](input, before ?? input.defaultValue ?? undefined, lists);
  const error = h('p', { class: 'field-error', hidden: !message }, message ?? '');
  const label = input.required ? input.label : `${input.label} (${t('inputs.optional')})`;
  const wrapped = field(label, element, input.help);
  error.id = `${element.id}-error`;
  wrapped.append(...[list].filter(Boolean), error);
  const say = text => {
    error.textContent = text;
    error.hidden = !text;
    element.setAttribute('aria-invalid', String(Boolean(text)));
    const described = [input.help && `${element.id}-hint`, text && error.id].filter(Boolean).join(' ');
    if (described) element.setAttribute('aria-describedby', described);
    else element.removeAttribute('aria-describedby');
  };
  say(message ?? '');
  const readChecked = async () => {
    say('');
    try {
      if (!element.checkValidity()) throw new Error(element.validationMessage);
      return await readValue(element);
    } catch (problem) {
      say(problem.message);
      return {};
    }
  };
  return { element: wrapped, focus: element, error, read: readChecked };
}

const typed = element => ({ value: element.value === '' ? undefined : element.value });

/** The field of each type: the element, an element beside it, and how its value is read. */
const CONTROLS = {
  text: (input, value) => {
    const limits = { minlength: input.minLength, maxlength: input.maxLength, required: input.required };
    if (!input.multiline) return [h('input', { ...NAMED, ...limits, value }), null, readMatching(input)];
    const area = h('textarea', { ...limits, rows: 4 });
    area.value = value ?? '';
    return [area, null, typed];
  },
  email: ({ required, maxLength }, value) => [h('input', { ...NAMED, type: 'email', required, maxlength: maxLength, value }), null, typed],
  secret: ({ required, minLength, maxLength }) => [
    h('input', { type: 'password', autocomplete: 'new-password', required, minlength: minLength, maxlength: maxLength }),
    null,
    element => ({ ...typed(element), text: HIDDEN }),
  ],
  integer: ({ required, minimum, maximum }, value) => [
    h('input', { type: 'number', step: 1, min: minimum, max: maximum, required, value }),
    null,
    element => ({ value: element.value === '' ? undefined : element.valueAsNumber }),
  ],
  date: ({ required, notBefore, notAfter }, value) => [
    h('input', { type: 'date', min: notBefore, max: notAfter, required, value }),
    null,
    element => ({ ...typed(element), text: element.value && new Date(`${element.value}T12:00`).toLocaleDateString(document.documentElement.lang) }),
  ],
  boolean: ({ name, required }, value) => {
    const answers = [['true', t('button.yes')], ['false', t('button.no')]];
    return pick(name, required, answers, value, text => text === 'true');
  },
  choice: ({ name, required, values }, value) => pick(name, required, values.map(choice => [choice.value, choice.label]), value, text => text),
  group: (input, value, { group }) => pickRow(input, group, value),
  role: (input, value, { role }) => pickRow(input, role, value),
  user: ({ name, required }, value) => {
    const [element, list] = userInput(`input-${name}`, value === undefined || value === null ? '' : inputLabel(value));
    element.required = required;
    return [element, list, readUser];
  },
};

const readMatching = input => element => {
  const whole = input.pattern && new RegExp(`^(?:${input.pattern})$`, 'u');
  if (element.value && whole && !whole.test(element.value)) throw new Error(t('inputs.pattern', { pattern: input.pattern }));
  return typed(element);
};

/** A select element, with an empty option to begin with. */
function pick(name, required, options, selected, toValue) {
  const element = select(name, [['', t('inputs.choose')], ...options], String(selected ?? ''));
  element.required = required;
  const text = () => element.selectedOptions[0]?.textContent;
  return [element, null, () => (element.value === '' ? {} : { value: toValue(element.value), text: text() })];
}

/** A group or role: by name if the caller may not list them. A default is a name. */
function pickRow(input, rows, value) {
  if (!rows) return [h('input', { ...NAMED, required: input.required, value }), null, typed];
  const selected = rows.find(row => row.id === value || row.name === value)?.id;
  return pick(input.name, input.required, rows.map(row => [String(row.id), row.name]), selected, Number);
}

async function readUser(element) {
  const text = element.value.trim();
  if (!text) return {};
  const [user, other] = await usersNamed(text);
  if (!user) throw new Error(t('user.unknown'));
  if (other) throw new Error(t('user.ambiguous'));
  return { value: user.id, text };
}
