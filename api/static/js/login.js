// The login: a token once, exchanged for a session that scripts cannot read.

import { logIn } from "./api.js";

const form = document.querySelector("#login form");
const field = document.getElementById("token");
const error = form.querySelector(".error");
const button = form.querySelector("button");

/** Ask for a token until one is good; resolves to the session. `why`: what happened, if anything. */
export function askForToken(why) {
  field.value = "";
  error.textContent = why;
  field.focus();
  return new Promise((resolve) => {
    const submit = async (event) => {
      event.preventDefault();
      error.textContent = "";
      button.disabled = true;
      try {
        const session = await logIn(field.value.trim());
        field.value = "";
        form.removeEventListener("submit", submit);
        resolve(session);
      } catch (refused) {
        error.textContent = refused.message;
        field.select();
      } finally {
        button.disabled = false;
      }
    };
    form.addEventListener("submit", submit);
  });
}
