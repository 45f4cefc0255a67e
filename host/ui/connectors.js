// The list of connectors.

import { button, badge, h, notify, redraw } from "./dom.js";
import { ask } from "./dialog.js";
import { ApiError, call, connectorPath } from "./api.js";
import { count, number, shortClass } from "./format.js";
import { plot } from "./plot.js";
import { mayChange, mayCreate } from "./rights.js";
import { known, refresh } from "./store.js";

/** What needs a look comes first. */
const GRAVITY = ["FAILED", "UNASSIGNED", "RESTARTING", "DESTROYED", "PAUSED", "STOPPED", "RUNNING"];

/** What the user looks for; stays while other views are shown. */
const filter = { text: "", state: null };

/** The worst state of a connector and its tasks. */
export function worstState(status) {
  const states = [status?.connector?.state, ...(status?.tasks ?? []).map((task) => task.state)].filter(Boolean);
  return states.length === 0 ? "UNASSIGNED" : states.reduce((worst, it) => (gravity(it) < gravity(worst) ? it : worst));
}

function gravity(state) {
  const found = GRAVITY.indexOf(state);
  return found < 0 ? 1 : found;
}

/** The view of all connectors. */
export function connectorsView() {
  const states = h("div", { class: "chips", role: "group", "aria-label": "Show by state" });
  const search = h("input", {
    type: "search", placeholder: "Filter by name or class", "aria-label": "Filter by name or class", value: filter.text,
    oninput: () => {
      filter.text = search.value;
      update();
    },
  });
  const repair = button("Restart all that failed …", restartFailed, { kind: "danger" });
  const throughput = plot("Throughput", "/s", [{ figure: "read", name: "read" }, { figure: "written", name: "written" }]);
  const lag = plot("Largest sink lag", "", [{ figure: "lag", name: "lag" }]);
  const plots = h("div", { class: "plots" }, throughput.node, lag.node);
  const noMetrics = h("p", { class: "quiet" }, "This worker serves no metrics, so there are no figures of throughput and lag here.");
  const rows = new Map();
  const body = h("tbody", { role: "rowgroup" });
  const heads = ["Connector", "State", "Tasks", "Records/s", "Lag"];
  const table = h("table", { class: "list fixed", role: "table", "aria-label": "Connectors" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((head, column) =>
      h("th", { role: "columnheader", scope: "col", class: column > 2 ? "figure" : null }, head)))), body);
  const empty = h("p", { class: "empty", role: "status" });
  const create = h("a", { class: "button primary", href: "#/new" }, "New connector");
  const node = h("section", {},
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Connectors"), create),
    h("div", { class: "toolbar" }, search, states, repair), empty, table, noMetrics, plots);

  function update() {
    const connectors = known.connectors;
    table.hidden = connectors === null;
    create.hidden = !mayCreate();
    noMetrics.hidden = known.metrics !== false;
    plots.hidden = known.metrics !== true;
    if (connectors === null) {
      repair.hidden = true;
      empty.textContent = known.lost ? "" : "Asking the worker …";
      return;
    }
    const all = [...connectors].map(([name, it]) => ({ name, ...it, worst: worstState(it.status) }));
    showStates(all);
    repair.hidden = !all.some((it) => it.worst === "FAILED" && mayChange(it.name));
    const text = filter.text.trim().toLowerCase();
    const wanted = all.filter((it) => (filter.state === null || it.worst === filter.state)
      && (text === "" || it.name.toLowerCase().includes(text) || classOf(it).toLowerCase().includes(text)));
    wanted.sort((a, b) => gravity(a.worst) - gravity(b.worst) || (a.name < b.name ? -1 : 1));
    showRows(wanted);
    table.hidden = wanted.length === 0;
    empty.hidden = wanted.length > 0;
    empty.textContent = all.length === 0 ? "There are no connectors yet." : "No connector matches.";
    if (known.metrics) {
      throughput.draw(known.history.all());
      lag.draw(known.history.all());
    }
  }

  function showStates(all) {
    const amounts = new Map();
    for (const { worst } of all) amounts.set(worst, (amounts.get(worst) ?? 0) + 1);
    if (filter.state !== null && !amounts.has(filter.state)) filter.state = null;
    const found = [...amounts.keys()].sort((a, b) => gravity(a) - gravity(b));
    const chip = (state, text) => button(text, () => {
      filter.state = state;
      update();
    }, { kind: `chip ${(state ?? "all").toLowerCase()}`, focus: `state ${state}`, "aria-pressed": String(filter.state === state) });
    const chips = [chip(null, `${all.length} all`), ...found.map((state) => chip(state, `${amounts.get(state)} ${state.toLowerCase()}`))];
    const signature = chips.map((it) => it.textContent + it.getAttribute("aria-pressed")).join("|");
    if (states.dataset.shown !== signature) redraw(states, chips);
    states.dataset.shown = signature;
  }

  function showRows(wanted) {
    const order = wanted.map((it) => {
      const row = rows.get(it.name) ?? makeRow(it.name);
      rows.set(it.name, row);
      row.show(it);
      return row.node;
    });
    for (const name of rows.keys()) if (!known.connectors.has(name)) rows.delete(name);
    const same = order.length === body.children.length && order.every((row, index) => row === body.children[index]);
    // Rows are moved only when they must be: moving takes time, and the focus.
    if (!same) redraw(body, order);
  }

  return { title: "Connectors", node, update, focus: () => node.querySelector("h1") };
}

function classOf(it) {
  return it.info?.config?.["connector.class"] ?? "";
}

/** A row that changes only where something has changed. */
function makeRow(name) {
  const cell = (label, className) => h("td", { role: "cell", "data-label": label, class: className });
  const [state, tasks, rate, lag] = [cell("State"), cell("Tasks"), cell("Records/s", "figure"), cell("Lag", "figure")];
  const about = h("span", { class: "about" });
  const link = h("a", { href: `#/connectors/${encodeURIComponent(name)}`, "data-focus": `row ${name}` }, name);
  const node = h("tr", { role: "row" }, h("th", { role: "rowheader", scope: "row" }, link, about), state, tasks, rate, lag);
  let shown = "";
  return {
    node,
    show(it) {
      const point = known.history.of(it.name).at(-1);
      const texts = [
        `${it.status?.type ?? "unknown"} · ${shortClass(classOf(it))}`,
        it.status?.connector?.state ?? "UNASSIGNED", tasksText(it.status), number(point?.written ?? point?.read), number(point?.lag),
      ];
      const signature = JSON.stringify([texts, it.worst]);
      if (signature === shown) return;
      shown = signature;
      node.className = it.worst === "FAILED" ? "failed" : "";
      about.textContent = texts[0];
      state.replaceChildren(badge(texts[1]));
      tasks.textContent = texts[2];
      tasks.classList.toggle("bad", it.worst === "FAILED");
      rate.textContent = texts[3];
      lag.textContent = texts[4];
    },
  };
}

/** `3 running`, `1 failed, 2 running` */
function tasksText(status) {
  const amounts = new Map();
  for (const { state } of status?.tasks ?? []) amounts.set(state, (amounts.get(state) ?? 0) + 1);
  const parts = [...amounts].sort(([a], [b]) => gravity(a) - gravity(b)).map(([state, amount]) => `${amount} ${state.toLowerCase()}`);
  return parts.join(", ") || "none";
}

async function restartFailed() {
  const failed = [...known.connectors].filter(([name, it]) => worstState(it.status) === "FAILED" && mayChange(name)).map(([name]) => name);
  const sure = await ask({
    title: `Restart what failed in ${count(failed.length, "connector")}?`,
    body: [h("ul", { class: "names" }, failed.map((name) => h("li", {}, name)))],
    confirm: "Restart",
  });
  if (!sure) return;
  let restarted = 0;
  for (const name of failed) {
    try {
      await call("POST", `${connectorPath(name, "restart")}?includeTasks=true&onlyFailed=true`);
      restarted += 1;
    } catch (error) {
      notify(`${name} was not restarted: ${error.message}`, { error: true });
      // Without a connection the others would fail one after the other.
      if (!(error instanceof ApiError)) break;
    }
  }
  if (restarted > 0) notify(`Restarted what had failed in ${count(restarted, "connector")}.`);
  refresh();
}
