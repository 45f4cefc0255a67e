// The plugins that this worker has, and what they say about themselves.

import { call, pluginPath } from "./api.js";
import { button, h, redraw } from "./dom.js";
import { shortClass } from "./format.js";
import { mayCreate } from "./rights.js";

const KINDS = {
  source: "Source connectors", sink: "Sink connectors", transformation: "Transforms", predicate: "Predicates",
  converter: "Converters", header_converter: "Header converters",
};

/** The view of all plugins. */
export function pluginsView() {
  const heading = h("h1", { tabindex: "-1" }, "Plugins");
  const list = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const search = h("input", { type: "search", placeholder: "Filter by class", "aria-label": "Filter by class", oninput: () => show() });
  let plugins = [];
  const load = async () => {
    try {
      plugins = await call("GET", "connector-plugins?connectorsOnly=false");
      show();
    } catch (error) {
      redraw(list, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  const show = () => {
    const text = search.value.trim().toLowerCase();
    const wanted = plugins.filter((plugin) => plugin.class.toLowerCase().includes(text));
    const kinds = [...new Set([...Object.keys(KINDS), ...wanted.map((plugin) => plugin.type)])];
    redraw(list, kinds.map((kind) => {
      const found = wanted.filter((plugin) => plugin.type === kind);
      return found.length > 0 && h("section", {}, h("h2", {}, KINDS[kind] ?? kind), h("ul", { class: "cards" }, found.map(card)));
    }), wanted.length === 0 && h("p", { class: "empty" }, "No plugin matches."));
  };
  load();
  const node = h("section", {}, h("div", { class: "title" }, heading), h("div", { class: "toolbar" }, search), list);
  return { title: "Plugins", node, focus: () => heading };
}

function card({ class: name, version }) {
  const link = `#/plugins/${encodeURIComponent(name)}${version ? `/${encodeURIComponent(version)}` : ""}`;
  return h("li", {}, h("a", { href: link }, shortClass(name)), h("span", { class: "about" }, name),
    version && h("span", { class: "about" }, `version ${version}`));
}

/** The view of one plugin, of one of its versions if that is given. */
export function pluginView(name, version) {
  const heading = h("h1", { tabindex: "-1" }, shortClass(name));
  const content = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const load = async () => {
    try {
      const query = version === undefined ? "" : `?version=${encodeURIComponent(version)}`;
      const [plugins, keys] = await Promise.all([
        call("GET", "connector-plugins?connectorsOnly=false"), call("GET", `${pluginPath(name, "config")}${query}`),
      ]);
      const plugin = plugins.find((it) => it.class === name || shortClass(it.class) === name);
      redraw(content, describe(name, version, plugin, keys));
    } catch (error) {
      redraw(content, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  load();
  const node = h("section", {}, h("p", { class: "crumbs" }, h("a", { href: "#/plugins" }, "Plugins")), h("div", { class: "title" }, heading), content);
  return { title: shortClass(name), node, focus: () => heading };
}

function describe(name, version, plugin, keys) {
  const isConnector = plugin?.type === "source" || plugin?.type === "sink";
  const groups = [...new Set(keys.map((key) => key.group))];
  return [
    h("p", { class: "quiet about-line" }, [plugin?.type?.replace("_", " "), plugin?.class ?? name, version && `version ${version}`].filter(Boolean).join(" · ")),
    isConnector && mayCreate() && h("div", { class: "actions" }, h("a", { class: "button primary", href: `#/new/${encodeURIComponent(plugin.class)}` }, "New connector of this kind")),
    keys.length === 0 && h("p", { class: "empty" }, "It has no configuration."),
    groups.map((group) => h("section", {}, h("h2", {}, group ?? "Its own keys"),
      h("dl", { class: "keys" }, keys.filter((key) => key.group === group).map(describeKey)))),
  ];
}

function describeKey(key) {
  const facts = [
    key.type.toLowerCase(), key.required ? "required" : `default ${key.default_value === null ? "none" : JSON.stringify(key.default_value)}`,
    `importance ${key.importance.toLowerCase()}`,
  ];
  return h("div", {}, h("dt", {}, h("code", {}, key.name), key.required && h("span", { class: "must" }, "required")),
    h("dd", {}, h("p", {}, key.documentation), h("p", { class: "about" }, facts.join(" · "))));
}
