// One configuration key of a form.

import { button, freshId, h } from "./dom.js";

const OTHER = "\u0000other";

/**
 * The field of a key. `definition` is null for a key that no definition knows. `onchange(value)` gets the text, or
 * undefined when the key is left to its default; `onremove` stands for keys that can be taken away.
 *
 * Gives `node`, `focus()`, `errors(list)` and `touched()`, which is true once the user was here.
 */
export function makeField({ name, definition, choices, value, fixed, onchange, onremove }) {
  const id = freshId("field");
  const [docId, errorId] = [`${id}-doc`, `${id}-errors`];
  const errorList = h("ul", { id: errorId, class: "field-errors" });
  let touched = false;
  const report = (text) => onchange(text === "" && definition ? undefined : text);
  const shared = {
    id, "data-focus": `field ${name}`, "data-key": name, "aria-describedby": `${docId} ${errorId}`,
    "aria-required": definition?.required ? "true" : null,
    onblur: () => { touched = true; },
  };
  const control = h("div", { class: "control" });
  const input = () => control.querySelector("input, select, textarea");
  const place = (current, asText) => control.replaceChildren(...controls({ definition, choices, value: current, fixed, shared, report, place, asText }));
  place(value, false);
  const doc = h("p", { id: docId, class: "about" }, definition?.documentation ?? "No definition knows this key.");
  const node = h("div", { class: "field" },
    h("label", { for: id }, definition?.display_name || name, definition?.required && !fixed && h("span", { class: "must" }, "required")),
    definition && definition.display_name !== name && h("code", { class: "key-name" }, name),
    h("div", { class: "with-remove" }, control, onremove && button("Remove", onremove, { focus: `remove ${name}`, "aria-label": `Remove ${name}` })),
    errorList, doc);
  return {
    node,
    touched: () => touched,
    focus: () => input().focus(),
    errors(list) {
      errorList.replaceChildren(...list.map((text) => h("li", {}, text)));
      node.classList.toggle("invalid", list.length > 0);
      input().setAttribute("aria-invalid", String(list.length > 0));
    },
  };
}

/** The control that suits the key's type; `place` puts another one in its place. */
function controls({ definition, choices, value, fixed, shared, report, place, asText }) {
  if (fixed) return [h("input", { ...shared, readOnly: true, value: value ?? "" })];
  const known = definition?.type === "BOOLEAN" ? ["true", "false"] : choices;
  if (known.length > 0 && definition?.type !== "LIST" && !asText) {
    return [choice({ definition, known, value, shared, report, place })];
  }
  if (value?.includes("\n")) {
    // A line of input has no line breaks, which keys and certificates need.
    const secret = definition?.type === "PASSWORD" ? "veiled" : null;
    return [h("textarea", { ...shared, class: secret, rows: "4", spellcheck: "false", value, oninput: (event) => report(event.target.value) })];
  }
  return line({ definition, known, value, shared, report, place });
}

function choice({ definition, known, value, shared, report, place }) {
  const all = value === undefined || known.includes(value) ? known : [...known, value];
  const nothing = definition?.default_value === null || definition === null ? "(none)" : `(default: ${definition.default_value})`;
  return h("select", {
    ...shared, value: value ?? "",
    onchange: (event) => {
      if (event.target.value !== OTHER) return report(event.target.value);
      place(value, true);
      document.getElementById(shared.id).focus();
    },
  }, h("option", { value: "" }, nothing), all.map((it) => h("option", { value: it }, it)), h("option", { value: OTHER }, "Other value …"));
}

function line({ definition, known, value, shared, report, place }) {
  const secret = definition?.type === "PASSWORD";
  const number = ["INT", "LONG", "SHORT", "DOUBLE"].includes(definition?.type);
  const listId = known.length > 0 ? `${shared.id}-choices` : null;
  const input = h("input", {
    ...shared, type: secret ? "password" : "text", value: value ?? "", list: listId, inputmode: number ? "decimal" : null,
    placeholder: definition?.default_value && !secret ? definition.default_value : null,
    autocomplete: secret ? "new-password" : "off", autocapitalize: "off", spellcheck: "false",
    oninput: () => report(input.value),
    onpaste: (event) => {
      const text = event.clipboardData.getData("text");
      if (!text.trimEnd().includes("\n")) return;
      event.preventDefault();
      place(text, false);
      report(text);
      document.getElementById(shared.id).focus();
    },
  });
  const list = listId && h("datalist", { id: listId }, known.map((it) => h("option", { value: it })));
  const show = secret && button("Show", () => {
    input.type = input.type === "password" ? "text" : "password";
    show.textContent = input.type === "password" ? "Show" : "Hide";
  }, { focus: `${shared["data-focus"]} show`, "aria-label": "Show what is typed" });
  return [input, list, show].filter(Boolean);
}
