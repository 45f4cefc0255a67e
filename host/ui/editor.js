// Creating a connector, and changing the configuration of one.

import { ApiError, call, connectorPath } from "./api.js";
import { button, freshId, h, notify, redraw } from "./dom.js";
import { ConfigForm } from "./form.js";
import { count, shortClass } from "./format.js";
import { refresh } from "./store.js";

/** The view that makes a connector of `pluginClass`, or lets the user choose the class. */
export function newView(pluginClass) {
  if (pluginClass === undefined) return chooseView();
  return editorView({
    title: `New ${shortClass(pluginClass)}`, crumb: ["#/new", "New connector"],
    config: { "connector.class": pluginClass }, fixed: ["connector.class"], name: null,
  });
}

/** The view that changes the connector `name`. */
export function editView(name) {
  const heading = h("h1", { tabindex: "-1", class: "name" }, `Edit ${name}`);
  const node = h("section", {}, heading, h("p", { class: "quiet" }, "Asking the worker …"));
  let inner = null;
  const load = async () => {
    try {
      const config = await call("GET", connectorPath(name, "config"));
      inner = editorView({
        title: `Edit ${name}`, crumb: [`#/connectors/${encodeURIComponent(name)}`, name], config, fixed: ["name", "connector.class"], name,
      });
      redraw(node, inner.node);
    } catch (error) {
      redraw(node, heading, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  load();
  return { title: `Edit ${name}`, node, dirty: () => inner?.dirty() ?? false, focus: () => node.querySelector("h1") };
}

function chooseView() {
  const heading = h("h1", { tabindex: "-1" }, "New connector");
  const list = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const load = async () => {
    try {
      const plugins = await call("GET", "connector-plugins");
      const cards = (type) => [...new Set(plugins.filter((it) => it.type === type).map((it) => it.class))].map((name) =>
        h("li", {}, h("a", { href: `#/new/${encodeURIComponent(name)}` }, shortClass(name)), h("span", { class: "about" }, name)));
      redraw(list, h("h2", {}, "From a system into Kafka"), h("ul", { class: "cards" }, cards("source")),
        h("h2", {}, "From Kafka into a system"), h("ul", { class: "cards" }, cards("sink")));
    } catch (error) {
      redraw(list, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  load();
  return { title: "New connector", node: h("section", {}, h("div", { class: "title" }, heading), list), focus: () => heading };
}

/** The editor of a configuration; `name` is null for a connector that does not exist yet. */
function editorView({ title, crumb, config, fixed, name }) {
  const values = new Map(Object.entries(config).filter(([, value]) => value !== null).map(([key, value]) => [key, String(value)]));
  const text = () => JSON.stringify(Object.fromEntries(values), null, 2);
  const before = text();
  let saved = false;
  let tried = false;
  const summary = h("div", { class: "summary", tabindex: "-1", hidden: true });
  const form = new ConfigForm({ values, fixed: new Set(fixed), onanswer: (errors) => tried && summarise(errors) });
  const raw = rawJson();
  const asForm = button("Form", () => showRaw(false), { "aria-pressed": "true" });
  const asJson = button("JSON", () => showRaw(true), { "aria-pressed": "false" });
  const state = h("select", { id: freshId("state") }, ["running", "paused", "stopped"].map((it) => h("option", { value: it.toUpperCase() }, it)));
  const save = button(name === null ? "Create" : "Save", submit, { kind: "primary" });
  const heading = h("h1", { tabindex: "-1", class: "name" }, title);
  const node = h("section", { class: "editor" },
    h("p", { class: "crumbs" }, h("a", { href: crumb[0] }, crumb[1])),
    h("div", { class: "title" }, heading, h("div", { class: "chips", role: "group", "aria-label": "How to edit" }, asForm, asJson)),
    summary, form.node, raw.node,
    h("div", { class: "actions sticky" }, save, name === null && h("span", { class: "pair" }, h("label", { for: state.id }, "Begin"), state),
      h("a", { class: "button", href: name === null ? "#/connectors" : crumb[0] }, "Cancel")));

  function summarise(errors) {
    summary.hidden = errors.length === 0;
    redraw(summary, errors.length > 0 && [h("h2", {}, `${count(errors.length, "error")}`), h("ul", {}, errors.map(({ key, text: words }, index) =>
      h("li", {}, button(key, async () => {
        if (!raw.node.hidden && !(await showRaw(false))) return;
        form.focus(key);
      }, { kind: "link", focus: `error ${index}` }), ` ${words}`)))]);
  }

  /** Takes over what was typed as JSON; false if it is none. */
  function takeRaw() {
    const problem = raw.read(values);
    if (problem !== null) return false;
    form.reset();
    return true;
  }

  async function showRaw(wanted) {
    if (wanted === !raw.node.hidden) return true;
    if (!wanted && !takeRaw()) return false;
    if (wanted) raw.write(text());
    raw.node.hidden = !wanted;
    form.node.hidden = wanted;
    asJson.setAttribute("aria-pressed", String(wanted));
    asForm.setAttribute("aria-pressed", String(!wanted));
    if (!wanted) await form.validate();
    return true;
  }

  async function submit() {
    if (!raw.node.hidden && !takeRaw()) return;
    save.disabled = true;
    try {
      tried = true;
      form.beStrict();
      const errors = await form.validate();
      if (errors === null) {
        notify("Nothing was saved: the worker did not check it, or something was changed meanwhile.", { error: true });
      } else if (errors.length > 0) {
        summary.focus();
      } else {
        await send();
      }
    } catch (error) {
      const known = error instanceof ApiError;
      notify(known ? error.message : `${error.message}. It is not known whether it was saved.`, { error: true });
    } finally {
      save.disabled = false;
    }
  }

  async function send() {
    const body = Object.fromEntries(values);
    const target = name ?? body.name ?? "";
    if (name === null) await call("POST", "connectors", { name: target, config: body, initial_state: state.value });
    else await call("PUT", connectorPath(name, "config"), body);
    saved = true;
    notify(name === null ? `${target} is created.` : `${name} is saved.`);
    await refresh({ info: true });
    location.hash = `#/connectors/${encodeURIComponent(target)}`;
  }

  form.validate();
  return { title, node, dirty: () => !saved && (text() !== before || raw.changed()), focus: () => heading };
}

/** The configuration as JSON, for those who have it in a file. */
function rawJson() {
  const id = freshId("json");
  const area = h("textarea", { id, rows: "18", spellcheck: "false", autocapitalize: "off", "aria-describedby": `${id}-problem` });
  const problem = h("p", { id: `${id}-problem`, class: "error-text", role: "alert" });
  const node = h("div", { class: "raw", hidden: true }, h("label", { for: id }, "Configuration as JSON"), area, problem);
  let written = "";
  return {
    node,
    changed: () => !node.hidden && area.value !== written,
    write(text) {
      written = text;
      area.value = text;
      problem.textContent = "";
    },
    /** Puts what was typed into `values`; gives the problem, or null. */
    read(values) {
      const found = parse(area.value);
      problem.textContent = found.problem ?? "";
      if (found.problem) {
        area.focus();
        return found.problem;
      }
      values.clear();
      for (const [key, value] of found.entries) values.set(key, String(value));
      return null;
    },
  };
}

/** The entries of a configuration, also of one with its name around it as `POST /connectors` takes it. */
function parse(text) {
  let config;
  try {
    config = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${error.message}` };
  }
  const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isMap(config)) return { problem: "A configuration is a JSON object with one text per key." };
  if (isMap(config.config)) config = { name: config.name, ...config.config };
  const entries = Object.entries(config).filter(([, value]) => value !== null && value !== undefined);
  const wrong = entries.find(([, value]) => typeof value === "object");
  if (wrong) return { problem: `The value of ${wrong[0]} is not a text, a number or a truth value.` };
  if (!entries.some(([key]) => key === "connector.class")) return { problem: "The key connector.class is missing." };
  return { entries };
}
