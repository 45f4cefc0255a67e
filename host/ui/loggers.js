// What the worker logs, changed while it runs.

import { perform } from "./actions.js";
import { ApiError, call } from "./api.js";
import { button, freshId, h, redraw } from "./dom.js";
import { moment } from "./format.js";
import { maySetLevels } from "./rights.js";

const LEVELS = ["OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];

/** The view of all loggers. */
export function loggersView() {
  const heading = h("h1", { tabindex: "-1" }, "Log levels");
  const list = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const search = h("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name", oninput: () => show() });
  const scope = h("select", { id: freshId("scope") }, h("option", { value: "worker" }, "this worker"),
    h("option", { value: "cluster" }, "all workers of the cluster"));
  let loggers = {};

  const load = async () => {
    try {
      loggers = await call("GET", "admin/loggers");
      show();
    } catch (error) {
      const away = error instanceof ApiError && error.status === 404;
      redraw(list, h("p", { class: "error-text", role: "alert" }, away
        ? "Log levels are not served here. The key admin.listeners of the worker says where they are, or turns them off."
        : error.message), button("Ask again", load));
    }
  };
  const set = async (logger, level) => {
    const done = `${logger} logs at ${level} now.`;
    await perform(done, () => call("PUT", `admin/loggers/${encodeURIComponent(logger)}?scope=${scope.value}`, { level }));
    await load();
  };
  const show = () => {
    const text = search.value.trim().toLowerCase();
    const names = Object.keys(loggers).filter((name) => name.toLowerCase().includes(text));
    redraw(list, names.length === 0 ? h("p", { class: "empty" }, "No logger matches.")
      : h("table", { class: "list", role: "table", "aria-label": "Loggers" },
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Logger", "Level", "Changed"].map((head) =>
          h("th", { role: "columnheader", scope: "col" }, head)))),
        h("tbody", { role: "rowgroup" }, names.map((name) => row(name, loggers[name], set)))));
  };

  load();
  const node = h("section", {}, h("div", { class: "title" }, heading),
    h("p", { class: "quiet" }, "A level counts for the logger and all below it. Changes last until the worker restarts."),
    h("div", { class: "toolbar" }, search, maySetLevels() && h("span", { class: "pair" }, h("label", { for: scope.id }, "Change on"), scope),
      button("Ask again", load)),
    maySetLevels() && other(set), list);
  return { title: "Log levels", node, focus: () => heading };
}

function levels(chosen, attributes) {
  return h("select", { ...attributes, value: chosen }, LEVELS.map((level) => h("option", { value: level }, level)));
}

function row(name, { level, last_modified: changed }, set) {
  const select = !maySetLevels() ? level : levels(level, { "aria-label": `Level of ${name}`, "data-focus": `level ${name}`, onchange: () => set(name, select.value) });
  return h("tr", { role: "row" }, h("th", { role: "rowheader", scope: "row" }, name),
    h("td", { role: "cell", "data-label": "Level" }, select),
    h("td", { role: "cell", "data-label": "Changed" }, changed === null ? "–" : moment(changed)));
}

/** For loggers that are not in the list, because they have logged nothing yet. */
function other(set) {
  const name = h("input", { id: freshId("logger"), autocapitalize: "off", spellcheck: "false", required: true });
  const level = levels("DEBUG", { "aria-label": "Level" });
  return h("details", { class: "other" }, h("summary", {}, "Another logger"),
    h("form", {
      class: "toolbar",
      onsubmit: (event) => {
        event.preventDefault();
        set(name.value.trim(), level.value);
      },
    }, h("label", { for: name.id }, "Name"), name, level, h("button", { type: "submit" }, "Set")));
}
