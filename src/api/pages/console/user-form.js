// A user as a form: a new one, or one who is there. Only what was changed is sent.

import { allGroups, allRoles, readUser, saveUser } from './directory.js';
import { announce, choice, field, h } from './dom.js';
import { onSubmit } from './form.js';

const NAME = { autocapitalize: 'none', spellcheck: 'false' };

/** Label, property, what the field is like, and a hint. */
const TEXTS = [
  ['Name', ['Name'], { ...NAME, required: true, maxlength: 239 }, 'Short and unique; with it, a user can log in.'],
  ['User name', ['UserName'], { ...NAME, maxlength: 254 }, 'Another name to log in with, such as an e-mail address.'],
  ['First name', ['Person', 'Firstname'], { maxlength: 99 }],
  ['Last name', ['Person', 'Lastname'], { maxlength: 99 }],
  ['E-mail', ['Person', 'Email'], { ...NAME, inputmode: 'email', maxlength: 254 }],
  ['Title', ['Person', 'Title'], { maxlength: 239 }],
  ['Phone', ['Person', 'DirectPhone'], { inputmode: 'tel', maxlength: 254 }],
  ['Mobile phone', ['Person', 'MobilePhone'], { inputmode: 'tel', maxlength: 254 }],
];

export async function userForm({ main, id, signal }) {
  const [user, groups, roles] = await Promise.all([id ? readUser(id, signal) : {}, allGroups(signal), allRoles(signal)]);
  if (signal.aborted) return;
  const texts = TEXTS.map(([label, path, properties, hint]) => {
    const before = valueAt(user, path) ?? '';
    return { label, path, hint, before, input: h('input', { ...properties, value: before, autocomplete: 'off' }) };
  });
  const role = roleChoice(roles, user.Role?.Id);
  const group = groupChoice(groups, user.UserGroup?.Id);
  const others = otherGroups(groups, (user.OtherGroups ?? []).map(({ Id }) => Id));
  const password = h('input', { type: 'password', autocomplete: 'new-password' });
  const isActive = h('input', { type: 'checkbox', id: 'is-active', checked: !user.Deleted });
  const away = id ? `#/users/${id}` : '#/users';
  const form = h(
    'form',
    { class: 'card edit' },
    h('h1', {}, id ? `Edit ${user.Person.FullName || user.Name}` : 'New user'),
    h('div', { class: 'fields' }, texts.map(({ label, input, hint }) => field(label, input, hint))),
    h('div', { class: 'fields' }, field('Role', role), field('Group', group)),
    others.element,
    id
      ? h('div', { class: 'option' }, isActive, h('label', { for: isActive.id }, 'Has access'))
      : field('Password', password, 'Empty for a user who cannot log in with one yet.'),
    h('div', { class: 'wrong' }),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Save'), h('a', { class: 'button', href: away }, 'Cancel')),
  );
  onSubmit(form, async () => {
    const change = {};
    for (const { path, before, input } of texts) {
      const value = input.value.trim();
      if (value !== before) setAt(change, path, value);
    }
    if (Number(role.value) !== user.Role?.Id) change.Role = { Id: Number(role.value) };
    if (Number(group.value) !== user.UserGroup?.Id) change.UserGroup = { Id: Number(group.value) };
    if (others.isChanged()) change.OtherGroups = others.ids().map(Id => ({ Id }));
    if (id && isActive.checked === user.Deleted) change.Deleted = !isActive.checked;
    if (!id) change.Type = roles.find(one => one.id === Number(role.value))?.userType;
    if (password.value) change.Credentials = [{ Type: { Type: 'CRM5/PASSWORD' }, Value: password.value }];
    const saved = Object.keys(change).length ? await saveUser(Number(id), change) : id;
    announce('The user is saved.');
    location.hash = `#/users/${saved}`;
  });
  main.replaceChildren(h('a', { class: 'back', href: away }, id ? 'Back to the user' : 'All users'), form);
  texts[0].input.focus();
}

const valueAt = (object, path) => path.reduce((value, name) => value?.[name], object);

function setAt(object, [first, ...rest], value) {
  if (!rest.length) object[first] = value;
  else setAt((object[first] ??= {}), rest, value);
}

/** A new user is an employee, unless another role is chosen. */
function roleChoice(roles, present) {
  const usual = present ?? roles.find(role => role.name === 'Employee')?.id;
  return choice('role', roles.map(role => [String(role.id), role.name]), String(usual));
}

/** The groups in use, and the one that the user has. A new user gets the first one that was made, as through the API. */
function groupChoice(groups, present) {
  const offered = groups.filter(group => !group.isDeleted || group.id === present);
  const usual = present ?? Math.min(...offered.map(group => group.id));
  return choice('group', offered.map(group => [String(group.id), group.name]), String(usual));
}

/** The groups besides the main one, to tick. */
function otherGroups(groups, present) {
  const offered = groups.filter(group => !group.isDeleted || present.includes(group.id));
  const boxes = offered.map(group => {
    const box = h('input', { type: 'checkbox', id: `other-group-${group.id}`, value: String(group.id), checked: present.includes(group.id) });
    return h('div', { class: 'option' }, box, h('label', { for: box.id }, group.name));
  });
  const element = h('fieldset', {}, h('legend', {}, 'Other groups'), h('div', { class: 'choices' }, boxes));
  const ids = () => [...element.querySelectorAll('input:checked')].map(box => Number(box.value));
  return { element, ids, isChanged: () => ids().sort().join() !== [...present].sort().join() };
}
