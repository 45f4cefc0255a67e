// A form drawn from what the worker answers when it validates a configuration.

import { call, pluginPath } from "./api.js";
import { button, freshId, h, redraw } from "./dom.js";
import { makeField } from "./field.js";
import { shortClass } from "./format.js";

/** The user has stopped typing when nothing came for so long, in milliseconds. */
const LULL = 500;
/** What all connectors have and few change. */
const RARELY = ["Transforms", "Predicates", "Error Handling", "Topic Creation", "Exactly Once Support", "offsets.topic"];
const OTHERS = "Other keys";

/** Where a group stands; `Transforms: mask` stands right after `Transforms`. */
function rank(group) {
  if (group === "Common") return 0;
  if (group === null) return 1;
  if (group === OTHERS) return 4;
  const [family, member] = group.split(": ");
  const place = RARELY.indexOf(family);
  return place < 0 ? 2 : 3 + (place + (member === undefined ? 0 : 0.5)) / RARELY.length;
}

/**
 * The form of the configuration `values`, a map that it changes. `fixed` are the keys that cannot be changed.
 * `onanswer(errors)` is called with all `{key, text}` after each validation.
 */
export class ConfigForm {
  #values;
  #fixed;
  #onanswer;
  #initially;
  #fields = new Map();
  #layout = "";
  #answer = null;
  #timer = null;
  #latest = 0;
  #strict = false;
  #groups = h("div", {});
  #status = h("p", { class: "quiet status-line", role: "status" });

  constructor({ values, fixed, onanswer }) {
    this.#values = values;
    this.#fixed = fixed;
    this.#onanswer = onanswer;
    this.#initially = new Set(values.keys());
    this.node = h("div", {}, this.#groups, this.#adder(), this.#status);
  }

  /** Begins anew with other values, of which the fields know nothing yet. */
  reset() {
    this.#fields.clear();
    this.#layout = "";
    this.#initially = new Set(this.#values.keys());
    return this.validate();
  }

  /** From now on errors are shown at keys that the user has not come to yet. */
  beStrict() {
    this.#strict = true;
    this.#showErrors();
  }

  /** Brings the user to a key. */
  focus(key) {
    const field = this.#fields.get(key)?.field;
    for (let it = field?.node.parentElement; it; it = it.parentElement) if (it.tagName === "DETAILS") it.open = true;
    field?.focus();
  }

  /** Asks the worker. Gives all errors, or null if it could not say or the user has changed something meanwhile. */
  async validate() {
    clearTimeout(this.#timer);
    this.#latest += 1;
    const mine = this.#latest;
    this.#status.textContent = "Checking …";
    try {
      const config = Object.fromEntries(this.#values);
      const answer = await call("PUT", pluginPath(config["connector.class"], "config", "validate"), config);
      if (mine !== this.#latest) return null;
      this.#answer = answer;
      this.#draw();
      this.#status.textContent = "";
      return this.#errors();
    } catch (error) {
      if (mine === this.#latest) this.#status.textContent = `The worker could not check this: ${error.message}`;
      return null;
    }
  }

  #changed(key, value) {
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    clearTimeout(this.#timer);
    this.#latest += 1;
    this.#timer = setTimeout(() => this.validate(), LULL);
  }

  #errors() {
    return this.#answer.configs.flatMap(({ value }) => value.errors.map((text) => ({ key: value.name, text })));
  }

  #showErrors() {
    if (!this.#answer) return;
    for (const { value } of this.#answer.configs) {
      const entry = this.#fields.get(value.name);
      if (!entry) continue;
      const shown = this.#strict || this.#initially.has(value.name) || this.#values.has(value.name) || entry.field.touched();
      entry.field.errors(shown ? value.errors : []);
    }
    this.#onanswer(this.#errors());
  }

  /** Makes the fields that are new or different, and arranges them if the worker wants other ones than before. */
  #draw() {
    const entries = this.#answer.configs.map(({ definition, value }) => ({
      key: value.name, definition, visible: value.visible || value.errors.length > 0, group: definition ? definition.group : OTHERS,
      choices: value.recommended_values,
    })).filter((entry) => entry.visible && (entry.definition || this.#values.has(entry.key)));
    for (const entry of entries) {
      const signature = JSON.stringify([entry.definition, entry.choices]);
      const known = this.#fields.get(entry.key);
      if (known?.signature !== signature) this.#fields.set(entry.key, { signature, field: this.#makeField(entry) });
    }
    const layout = JSON.stringify(entries.map((entry) => [entry.key, this.#fields.get(entry.key).signature]));
    if (layout !== this.#layout) redraw(this.#groups, this.#arrange(entries));
    this.#layout = layout;
    this.#showErrors();
  }

  #makeField({ key, definition, choices }) {
    return makeField({
      name: key, definition, choices, value: this.#values.get(key), fixed: this.#fixed.has(key),
      onchange: (value) => this.#changed(key, value),
      onremove: definition ? null : () => {
        this.#values.delete(key);
        this.#fields.delete(key);
        this.validate();
      },
    });
  }

  /** What everybody sets, then what the plugin has of its own, then what is set rarely. */
  #arrange(entries) {
    const groups = [...new Set(entries.map((entry) => entry.group))];
    groups.sort((a, b) => rank(a) - rank(b));
    const own = shortClass(this.#values.get("connector.class"));
    return groups.map((group) => {
      const members = entries.filter((entry) => entry.group === group);
      members.sort((a, b) => (a.definition?.order_in_group ?? 0) - (b.definition?.order_in_group ?? 0));
      return this.#group(group ?? own, members, RARELY.includes(group));
    });
  }

  #group(title, members, rarely) {
    const node = ({ key }) => this.#fields.get(key).field.node;
    const set = members.filter((entry) => this.#initially.has(entry.key));
    if (rarely) {
      const hint = set.length > 0 ? ` (${set.length} set)` : "";
      return h("details", { class: "group", "data-open": title, open: set.length > 0 },
        h("summary", { "data-focus": `group ${title}` }, `${title}${hint}`), members.map(node));
    }
    const rare = members.filter((entry) => entry.definition?.importance === "LOW" && !entry.definition.required && !set.includes(entry));
    const usual = members.filter((entry) => !rare.includes(entry));
    const id = freshId("group");
    return h("section", { class: "group", "aria-labelledby": id }, h("h2", { id }, title), usual.map(node),
      rare.length > 0 && h("details", { "data-open": `more ${title}` },
        h("summary", { "data-focus": `more ${title}` }, `${rare.length} more of ${title}`), rare.map(node)));
  }

  #adder() {
    const key = h("input", { id: freshId("key"), autocapitalize: "off", spellcheck: "false" });
    return h("form", {
      class: "toolbar adder",
      onsubmit: async (event) => {
        event.preventDefault();
        const name = key.value.trim();
        if (name === "") return;
        if (!this.#values.has(name)) this.#values.set(name, "");
        key.value = "";
        await this.validate();
        this.focus(name);
      },
    }, h("label", { for: key.id }, "Another key"), key, h("button", { type: "submit" }, "Add"));
  }
}
