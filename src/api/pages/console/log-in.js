// Proving who one is: logging in, and making a password of one's own.

import { NEEDS_TLS, application, changePassword, logIn } from './api.js';
import { field, h } from './dom.js';
import { onSubmit } from './form.js';

/** Logs in. Whoever does so with a temporary password makes another one first. */
export function logInForm({ notice, welcome }) {
  const name = h('input', { name: 'userName', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });
  const password = h('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const app = h('input', { name: 'application', autocomplete: 'off', spellcheck: 'false', value: application.get() });
  const form = h(
    'form',
    { class: 'card narrow' },
    h('h1', {}, 'Log in'),
    notice && h('p', { class: 'notice', role: 'status' }, notice),
    !isSecureContext && h('p', { class: 'notice', role: 'status' }, `You cannot log in here, because this page came over plain HTTP. ${NEEDS_TLS}`),
    field('User', name),
    field('Password', password),
    h(
      'details',
      {},
      h('summary', {}, 'This is an online installation'),
      field('Token of an application', app, 'What `kommando app add NAME --user-agent` printed. It is kept until this tab is closed.'),
    ),
    h('div', { class: 'wrong' }),
    h('button', { class: 'primary' }, 'Log in'),
  );
  onSubmit(form, async () => {
    application.set(app.value.trim());
    try {
      welcome(await logIn(name.value, password.value));
    } catch (error) {
      // The remedy in the answer names the operation that makes another password.
      if (error.status === 403 && error.message.includes('/_ext/password')) {
        const done = async made => welcome(await logIn(name.value, made));
        form.replaceWith(passwordForm({ userName: name.value, old: password.value, done, isFocused: true }));
        return;
      }
      if (error.status === 401) error.message = 'Name and password do not belong together.';
      password.select();
      throw error;
    }
  });
  return form;
}

/** Changes a password. The old one is asked for, unless it was given a moment ago. */
export function passwordForm({ userName, old, done, isFocused }) {
  const present = h('input', { type: 'password', autocomplete: 'current-password', required: true });
  const wanted = h('input', { type: 'password', autocomplete: 'new-password', required: true });
  const again = h('input', { type: 'password', autocomplete: 'new-password', required: true });
  const form = h(
    'form',
    { class: 'card narrow' },
    h('h1', {}, old ? 'Make your own password' : 'Change password'),
    h('p', {}, old ? 'The password that you have is temporary: it does nothing but make another.' : 'Your tickets and sessions end.'),
    h('input', { class: 'unseen', autocomplete: 'username', value: userName, readonly: true, tabindex: '-1', 'aria-hidden': 'true' }),
    !old && field('Present password', present),
    field('New password', wanted),
    field('New password, again', again),
    h('div', { class: 'wrong' }),
    h('button', { class: 'primary' }, 'Change password'),
  );
  const agree = () => again.setCustomValidity(again.value === wanted.value ? '' : 'The two are not the same.');
  wanted.addEventListener('input', agree);
  again.addEventListener('input', agree);
  onSubmit(form, async () => {
    await changePassword(userName, old ?? present.value, wanted.value).catch(error => {
      if (error.status === 401) error.message = 'The present password is another one.';
      throw error;
    });
    await done(wanted.value);
  });
  if (isFocused) queueMicrotask(() => wanted.focus());
  return form;
}
