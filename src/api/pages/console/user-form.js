// The form of a user. Only what was changed is saved.

import { allGroups, allRoles, readUser, saveUser } from './directory.js';
import { announce, checkbox, displayName, field, h, select } from './dom.js';
import { onSubmit } from './form.js';
import { t } from './messages.js';

const NAME = { autocapitalize: 'none', spellcheck: 'false' };

/** Key of the label, path of the property, properties of the input, key of a hint. */
const LOGIN_NAMES = [
  ['form.name', ['Name'], { ...NAME, required: true, maxlength: 239 }, 'form.nameHint'],
  ['form.userName', ['UserName'], { ...NAME, maxlength: 254 }, 'form.userNameHint'],
];
const PERSON = [
  ['form.firstName', ['Person', 'Firstname'], { maxlength: 99 }],
  ['form.lastName', ['Person', 'Lastname'], { maxlength: 99 }],
  ['form.email', ['Person', 'Email'], { ...NAME, inputmode: 'email', maxlength: 254 }],
  ['form.title', ['Person', 'Title'], { maxlength: 239 }],
  ['form.phone', ['Person', 'DirectPhone'], { inputmode: 'tel', maxlength: 254 }],
  ['form.mobile', ['Person', 'MobilePhone'], { inputmode: 'tel', maxlength: 254 }],
];

export async function userForm({ main, id, signal }) {
  const [user, groups, roles] = await Promise.all([id ? readUser(id, signal) : {}, allGroups(signal), allRoles(signal)]);
  if (signal.aborted) return;
  const input = ([key, path, properties, hint]) => {
    const stored = valueAt(user, path) ?? '';
    return { key, path, hint, stored, input: h('input', { ...properties, value: stored, autocomplete: 'off' }) };
  };
  const [names, person] = [LOGIN_NAMES.map(input), PERSON.map(input)];
  const role = roleSelect(roles, user.Role?.Id);
  const group = groupSelect(groups, user.UserGroup?.Id);
  const others = otherGroups(groups, (user.OtherGroups ?? []).map(({ Id }) => Id));
  const password = h('input', { type: 'password', autocomplete: 'new-password' });
  const active = checkbox(t('form.active'), { checked: !user.Deleted });
  const back = id ? `#/users/${id}` : '#/users';
  const inputs = all => h('div', { class: 'fields' }, all.map(({ key, input, hint }) => field(t(key), input, hint && t(hint))));
  const form = h(
    'form',
    { class: 'card edit' },
    h('h1', {}, id ? `${t('users.edit')}: ${displayName({ fullName: user.Person.FullName, name: user.Name })}` : t('users.new')),
    inputs(names),
    h('fieldset', {}, h('legend', {}, t('form.person')), inputs(person)),
    h(
      'fieldset',
      {},
      h('legend', {}, t('form.access')),
      h('div', { class: 'fields' }, field(t('user.role'), role), field(t('user.group'), group)),
      others.element,
      id ? active.element : field(t('logIn.password'), password, t('form.passwordHint')),
    ),
    h('div', { class: 'errors' }),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, t('button.save')), h('a', { class: 'button', href: back }, t('button.cancel'))),
  );
  onSubmit(form, async () => {
    const changes = {};
    for (const { path, stored, input } of [...names, ...person]) {
      const value = input.value.trim();
      if (value !== stored) setAt(changes, path, value);
    }
    if (Number(role.value) !== user.Role?.Id) changes.Role = { Id: Number(role.value) };
    if (Number(group.value) !== user.UserGroup?.Id) changes.UserGroup = { Id: Number(group.value) };
    if (others.isChanged()) changes.OtherGroups = others.ids().map(Id => ({ Id }));
    if (id && active.box.checked === user.Deleted) changes.Deleted = !active.box.checked;
    if (!id) changes.Type = roles.find(({ id }) => id === Number(role.value))?.userType;
    if (password.value) changes.Credentials = [{ Type: { Type: 'CRM5/PASSWORD' }, Value: password.value }];
    const saved = Object.keys(changes).length ? await saveUser(Number(id), changes) : id;
    announce(t('form.saved'));
    location.hash = `#/users/${saved}`;
  });
  main.replaceChildren(h('a', { class: 'back', href: back }, t(id ? 'form.back' : 'users.all')), form);
  names[0].input.focus();
}

const valueAt = (object, path) => path.reduce((value, name) => value?.[name], object);

function setAt(object, [first, ...rest], value) {
  if (!rest.length) object[first] = value;
  else setAt((object[first] ??= {}), rest, value);
}

/** Preselects the role Employee for a new user. */
function roleSelect(roles, current) {
  const preselected = current ?? roles.find(role => role.name === 'Employee')?.id;
  return select('role', roles.map(role => [String(role.id), role.name]), String(preselected));
}

/** Offers groups in use, and the user's own. Preselects the oldest group for a new user, as the API does. */
function groupSelect(groups, current) {
  const offered = groups.filter(group => !group.isDeleted || group.id === current);
  const preselected = current ?? Math.min(...offered.map(group => group.id));
  return select('group', offered.map(group => [String(group.id), group.name]), String(preselected));
}

/** A checkbox for each group besides the main one. */
function otherGroups(groups, current) {
  const offered = groups.filter(group => !group.isDeleted || current.includes(group.id));
  const boxes = offered.map(group => checkbox(group.name, { value: String(group.id), checked: current.includes(group.id) }));
  const element = h('fieldset', {}, h('legend', {}, t('form.otherGroups')), h('div', { class: 'choices' }, boxes.map(({ element }) => element)));
  const ids = () => boxes.filter(({ box }) => box.checked).map(({ box }) => Number(box.value));
  return { element, ids, isChanged: () => ids().sort().join() !== [...current].sort().join() };
}
