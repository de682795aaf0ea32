// The forms to log in and to change one's password.

import { applicationToken, changePassword, logIn } from './api.js';
import { field, h } from './dom.js';
import { onSubmit } from './form.js';
import { t } from './messages.js';

/** Logs in. After a temporary password, the user must choose a new one first. */
export function logInForm({ notice, onLogIn }) {
  const name = h('input', { name: 'userName', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const token = h('input', { name: 'application', autocomplete: 'off', spellcheck: 'false', value: applicationToken.get() });
  const form = h(
    'form',
    { class: 'card narrow' },
    h('h1', {}, t('logIn.title')),
    notice && h('p', { class: 'notice', role: 'status' }, notice),
    !isSecureContext && h('p', { class: 'notice', role: 'status' }, t('logIn.needsHttps')),
    field(t('logIn.user'), name),
    field(t('logIn.password'), password),
    h('details', {}, h('summary', {}, t('logIn.online')), field(t('logIn.token'), token, t('logIn.tokenHint'))),
    h('div', { class: 'errors' }),
    h('button', { class: 'primary' }, t('logIn.title')),
  );
  onSubmit(form, async () => {
    applicationToken.set(token.value.trim());
    try {
      onLogIn(await logIn(name.value, password.value));
    } catch (error) {
      // The server names this path when the password is temporary.
      if (error.status === 403 && error.message.includes('/_ext/password')) {
        const onChanged = async chosen => onLogIn(await logIn(name.value, chosen));
        form.replaceWith(passwordForm({ userName: name.value, temporary: password.value, onChanged, isFocused: true }));
        return;
      }
      if (error.status === 401) error.message = t('logIn.wrong');
      password.select();
      throw error;
    }
  });
  return form;
}

/** Changes a password. Asks for the current one unless it is `temporary`. */
export function passwordForm({ userName, temporary, onChanged, isFocused }) {
  const current = h('input', { type: 'password', autocomplete: 'current-password', required: true });
  const chosen = h('input', { type: 'password', autocomplete: 'new-password', required: true });
  const repeated = h('input', { type: 'password', autocomplete: 'new-password', required: true });
  const form = h(
    'form',
    { class: 'card narrow' },
    h('h1', {}, t(temporary ? 'password.choose' : 'password.change')),
    h('p', {}, t(temporary ? 'password.isTemporary' : 'password.logsOut')),
    h('input', { class: 'unseen', autocomplete: 'username', value: userName, readonly: true, tabindex: '-1', 'aria-hidden': 'true' }),
    !temporary && field(t('password.current'), current),
    field(t('password.new'), chosen),
    field(t('password.repeat'), repeated),
    h('div', { class: 'errors' }),
    h('button', { class: 'primary' }, t('password.change')),
  );
  const compare = () => repeated.setCustomValidity(repeated.value === chosen.value ? '' : t('password.differ'));
  chosen.addEventListener('input', compare);
  repeated.addEventListener('input', compare);
  onSubmit(form, async () => {
    await changePassword(userName, temporary ?? current.value, chosen.value).catch(error => {
      if (error.status === 401) error.message = t('password.wrong');
      throw error;
    });
    await onChanged(chosen.value);
  });
  if (isFocused) queueMicrotask(() => chosen.focus());
  return form;
}
