// One connector: what it does, why it fails, and what can be done about it.

import { pause, remove, restart, restartTask, resume, stop } from "./actions.js";
import { badge, button, h, notify, redraw } from "./dom.js";
import { looksSecret, number, shortClass } from "./format.js";
import { offsetsPanel } from "./offsets.js";
import { plot } from "./plot.js";
import { call, connectorPath } from "./api.js";
import { mayChange } from "./rights.js";
import { known } from "./store.js";

const PARTS = { tasks: "Tasks", offsets: "Offsets", topics: "Topics", config: "Configuration" };

/** The view of a connector; `part` is one of the keys of `PARTS`. */
export function connectorView(name, part) {
  if (!(part in PARTS)) return null;
  const here = `#/connectors/${encodeURIComponent(name)}`;
  const state = h("span", {});
  const about = h("p", { class: "quiet about-line" });
  const actions = h("div", { class: "actions" });
  const gone = h("p", { class: "empty", role: "status", hidden: true }, "The worker has no connector of this name.");
  const nav = h("nav", { class: "parts", "aria-label": "About this connector" }, Object.entries(PARTS).map(([key, text]) =>
    h("a", { href: key === "tasks" ? here : `${here}/${key}`, "aria-current": key === part ? "page" : null }, text)));
  const panel = { tasks: tasksPanel, offsets: offsetsPanel, topics: topicsPanel, config: configPanel }[part](name);
  const there = h("div", {}, about, actions, nav, panel.node);
  const heading = h("h1", { tabindex: "-1", class: "name" }, name);
  const node = h("section", {},
    h("p", { class: "crumbs" }, h("a", { href: "#/connectors" }, "Connectors")), h("div", { class: "title" }, heading, state), gone, there);
  let shown = "";

  function update() {
    if (known.connectors === null) return;
    const it = known.connectors.get(name);
    gone.hidden = it !== undefined;
    there.hidden = it === undefined;
    const current = it?.status?.connector?.state ?? "";
    const signature = JSON.stringify([it?.status, it?.info?.config, mayChange(name)]);
    if (signature !== shown) {
      shown = signature;
      redraw(state, it && badge(current));
      about.textContent = it ? aboutText(it) : "";
      redraw(actions, it && actionsFor(name, here, current));
    }
    if (it) panel.update?.(it);
  }

  return { title: name, node, update, focus: () => heading };
}

function aboutText({ status, info }) {
  const version = status?.connector?.version;
  return [
    status?.type ?? "unknown", info?.config?.["connector.class"], version && `version ${version}`,
    status?.connector?.worker_id && `on ${status.connector.worker_id}`,
  ].filter(Boolean).join(" · ");
}

function actionsFor(name, here, state) {
  if (!mayChange(name)) return h("p", { class: "quiet" }, "You may look at this connector, but not change it.");
  const moves = state === "PAUSED" || state === "STOPPED"
    ? button("Resume", () => resume(name), { kind: "primary", focus: "move" })
    : button("Pause", () => pause(name), { focus: "move" });
  return [
    moves,
    state !== "STOPPED" && button("Stop …", () => stop(name)),
    button("Restart …", () => restart(name)),
    h("a", { class: "button", href: `${here}/edit`, "data-focus": "edit" }, "Edit"),
    button("Delete …", () => remove(name), { kind: "danger" }),
  ];
}

/** Tasks, their figures, and what went wrong. */
function tasksPanel(name) {
  const failures = h("div", {});
  const tasks = h("div", {});
  const throughput = plot("Throughput", "/s", [{ figure: "read", name: "read" }, { figure: "written", name: "written" }]);
  const lag = plot("Lag", "", [{ figure: "lag", name: "lag" }]);
  const plots = h("div", { class: "plots" }, throughput.node, lag.node);
  const noMetrics = h("p", { class: "quiet" }, "This worker serves no metrics, so there are no figures of throughput and lag here.");
  const figures = new Map();
  let shown = "";

  function update({ status }) {
    const signature = JSON.stringify([status, mayChange(name)]);
    if (signature !== shown) {
      shown = signature;
      redraw(failures, failuresIn(name, status));
      redraw(tasks, tasksTable(name, status, figures));
    }
    for (const [task, cells] of figures) {
      const now = known.history.task(name, task);
      for (const figure of ["read", "written", "lag"]) cells[figure].textContent = number(now[figure]);
    }
    noMetrics.hidden = known.metrics !== false;
    plots.hidden = known.metrics !== true;
    lag.node.hidden = status?.type === "source";
    if (known.metrics) {
      throughput.draw(known.history.of(name));
      if (!lag.node.hidden) lag.draw(known.history.of(name));
    }
  }

  return { node: h("div", {}, failures, tasks, noMetrics, plots), update };
}

function failuresIn(name, status) {
  const found = [];
  if (status?.connector?.trace) found.push(["The connector", status.connector.trace, "connector"]);
  for (const { id, trace } of status?.tasks ?? []) if (trace) found.push([`Task ${id}`, trace, `task ${id}`]);
  if (found.length === 0) return [];
  return h("section", { class: "failures", "aria-label": "What went wrong" },
    found.map(([who, trace, key]) => failure(who, trace, key)),
    mayChange(name) && h("div", { class: "actions" }, button("Restart what failed …", () => restart(name, { failed: true }), { kind: "primary" })));
}

/** The causes first, which is what one looks for, then the whole trace. */
function failure(who, trace, key) {
  const lines = trace.split("\n").map((line) => line.trim());
  const causes = lines.filter((line, index) => index === 0 || line.startsWith("Caused by:"));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(trace);
      notify("Copied.");
    } catch {
      notify("The browser does not let this page copy. Select the text instead.", { error: true });
    }
  };
  return h("div", { class: "failure" }, h("h2", {}, `${who} failed`),
    causes.map((line, index) => h("p", { class: index === 0 ? "cause" : "cause deeper" }, line)),
    h("details", { "data-open": key }, h("summary", { "data-focus": `trace ${key}` }, "Whole trace"),
      h("pre", { tabindex: "0" }, trace), button("Copy", copy, { focus: `copy ${key}` })));
}

function tasksTable(name, status, figures) {
  const tasks = status?.tasks ?? [];
  figures.clear();
  if (tasks.length === 0) return h("p", { class: "empty" }, "It has no tasks now.");
  const cell = (label, className, ...children) => h("td", { role: "cell", "data-label": label, class: className }, ...children);
  const row = ({ id, state, worker_id: worker }) => {
    const cells = { read: cell("Read/s", "figure"), written: cell("Written/s", "figure"), lag: cell("Lag", "figure") };
    figures.set(id, cells);
    return h("tr", { role: "row", class: state === "FAILED" ? "failed" : null },
      h("th", { role: "rowheader", scope: "row" }, `Task ${id}`), cell("State", null, badge(state)), cell("Worker", "wrap", worker),
      cells.read, cells.written, cells.lag,
      cell("", "figure", mayChange(name) && button("Restart", () => restartTask(name, id), { focus: `restart ${id}`, "aria-label": `Restart task ${id}` })));
  };
  const head = (text, className) => h("th", { role: "columnheader", scope: "col", class: className }, text);
  return h("table", { class: "list", role: "table", "aria-label": "Tasks" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head("Task"), head("State"), head("Worker"),
      head("Read/s", "figure"), head("Written/s", "figure"), head("Lag", "figure"), head(""))),
    h("tbody", { role: "rowgroup" }, tasks.map(row)));
}

/** The topics that it has used. */
function topicsPanel(name) {
  const node = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const load = async () => {
    try {
      const answer = await call("GET", connectorPath(name, "topics"));
      const topics = [...(answer?.[name]?.topics ?? [])].sort();
      redraw(node, topics.length === 0 ? h("p", { class: "empty" }, "It has used no topic yet.")
        : h("ul", { class: "names" }, topics.map((topic) => h("li", {}, topic))), button("Ask again", load));
    } catch (error) {
      redraw(node, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  load();
  return { node };
}

/** Its configuration as it was given. */
function configPanel(name) {
  const node = h("div", {});
  let shown = "";
  const update = ({ info }) => {
    const config = info?.config;
    const signature = JSON.stringify(config);
    if (!config || signature === shown) return;
    shown = signature;
    redraw(node, h("dl", { class: "config" }, Object.entries(config).map(([key, value]) =>
      h("div", {}, h("dt", {}, key), h("dd", {}, looksSecret(key) ? veiled(key, value) : String(value ?? "null"))))),
    h("p", { class: "quiet" }, `${shortClass(config["connector.class"])} is described under `,
      h("a", { href: `#/plugins/${encodeURIComponent(config["connector.class"] ?? "")}` }, "Plugins"), "."));
  };
  return { node, update };
}

/** A value that is shown only when asked for. */
function veiled(key, value) {
  const text = h("span", {}, "••••••");
  let open = false;
  const toggle = button("Show", () => {
    open = !open;
    text.textContent = open ? String(value) : "••••••";
    toggle.textContent = open ? "Hide" : "Show";
  }, { kind: "small", focus: `show ${key}`, "aria-label": `Show the value of ${key}` });
  return [text, " ", toggle];
}
