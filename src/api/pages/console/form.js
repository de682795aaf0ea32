// What the forms share.

import { errorBox } from './dom.js';

/** Submits a form, once at a time, and shows an error in it. */
export function onSubmit(form, submit) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const [button, errors] = [form.querySelector('button.primary'), form.querySelector('.errors')];
    button.disabled = true;
    errors.replaceChildren();
    try {
      await submit();
    } catch (error) {
      errors.replaceChildren(errorBox(error));
    }
    button.disabled = false;
  });
}
