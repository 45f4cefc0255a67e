// Questions to the user. The browser's own modal dialogs keep the focus inside and close on Esc.

import { freshId, h } from "./dom.js";

/**
 * Asks and gives what `read` made of the answer (true without one), or null if the user thought better of it.
 *
 * With `typed` the user has to type that text first, which a hand that only meant to press Enter does not do.
 */
export function ask({ title, body = [], confirm, danger = false, typed = null, read = () => true }) {
  return new Promise((resolve) => {
    const heading = freshId("dialog");
    let result = null;
    const accept = h("button", { type: "submit", class: danger ? "danger" : "primary", disabled: typed !== null }, confirm);
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    const check = typed === null ? [] : typedCheck(typed, (right) => { accept.disabled = !right; });
    const form = h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        if (accept.disabled) return;
        result = read();
        dialog.close();
      },
    }, h("h2", { id: heading }, title), body, check, h("div", { class: "actions" }, accept, cancel));
    const dialog = h("dialog", {
      "aria-labelledby": heading,
      onclose: () => {
        dialog.remove();
        resolve(result);
      },
    }, form);
    document.body.append(dialog);
    dialog.showModal();
    (form.querySelector("[autofocus], input, select, textarea") ?? cancel).focus();
  });
}

function typedCheck(text, tell) {
  const id = freshId("typed");
  return [
    h("label", { for: id }, "To go on, type ", h("code", {}, text)),
    h("input", {
      id, autocomplete: "off", autocapitalize: "off", spellcheck: "false", "data-typed": "",
      oninput: (event) => tell(event.target.value === text),
    }),
  ];
}

/** Asks who the user is; null if the user does not say. */
export function askWho() {
  const user = h("input", { id: freshId("user"), autocomplete: "username", autocapitalize: "off" });
  const password = h("input", { id: freshId("password"), type: "password", autocomplete: "current-password" });
  return ask({
    title: "Sign in",
    body: [
      h("p", {}, "This worker wants to know who you are. What you type stays in this page until you close it."),
      h("label", { for: user.id }, "User"), user,
      h("label", { for: password.id }, "Password"), password,
    ],
    confirm: "Sign in",
    read: () => ({ user: user.value, password: password.value }),
  });
}
