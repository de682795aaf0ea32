// What the forms have in common.

import { trouble } from './dom.js';

/** Does something once at a time, and tells in the form what went wrong. */
export function onSubmit(form, work) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const [button, wrong] = [form.querySelector('button.primary'), form.querySelector('.wrong')];
    button.disabled = true;
    wrong.replaceChildren();
    try {
      await work();
    } catch (error) {
      wrong.replaceChildren(trouble(error));
    }
    button.disabled = false;
  });
}
