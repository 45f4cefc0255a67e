// How far a connector has come, and changing that.

import { perform } from "./actions.js";
import { call, connectorPath } from "./api.js";
import { ask } from "./dialog.js";
import { button, freshId, h, redraw } from "./dom.js";
import { stop } from "./actions.js";
import { mayChange } from "./rights.js";
import { known } from "./store.js";

/** The panel of a connector's offsets. */
export function offsetsPanel(name) {
  const message = h("div", {});
  const list = h("div", {}, h("p", { class: "quiet" }, "Asking the worker …"));
  const node = h("div", {}, message, list);
  let state = null;

  const load = async () => {
    try {
      const answer = await call("GET", connectorPath(name, "offsets"));
      redraw(list, editor(name, answer.offsets, load));
    } catch (error) {
      redraw(list, h("p", { class: "error-text", role: "alert" }, error.message), button("Ask again", load));
    }
  };
  const update = ({ status }) => {
    const now = status?.connector?.state;
    if (now === state) return;
    state = now;
    redraw(message, now !== "STOPPED" && mayChange(name) && h("p", { class: "hint" }, "Offsets can be changed while the connector is stopped. ",
      button("Stop …", () => stop(name))));
  };
  load();
  return { node, update };
}

/** A row for each partition; what is changed in them goes to the worker when the user says so. */
function editor(name, offsets, load) {
  if (!mayChange(name)) return [shown(offsets), h("div", { class: "actions" }, button("Ask again", load))];
  const rows = offsets.map((entry) => offsetRow(entry));
  const body = h("div", { class: "offsets" }, rows.map((row) => row.node));
  const problem = h("p", { class: "error-text", role: "alert" });
  const add = () => {
    const row = offsetRow(null);
    rows.push(row);
    body.append(row.node);
    row.node.querySelector("textarea").focus();
  };
  const apply = async () => {
    problem.textContent = "";
    let changes;
    try {
      changes = rows.map((row) => row.change()).filter((change) => change !== null);
    } catch (error) {
      problem.textContent = error.message;
      return;
    }
    if (changes.length === 0) {
      problem.textContent = "Nothing is changed yet.";
      return;
    }
    if (!stopped(name, problem)) return;
    const sure = await ask({
      title: `Change offsets of ${name}?`,
      body: [h("p", {}, "Records can be lost or moved twice by this."), h("pre", { tabindex: "0" }, changes.map(changeText).join("\n"))],
      confirm: "Change offsets", danger: true, typed: name,
    });
    if (sure && await perform((answer) => answer.message, () => call("PATCH", connectorPath(name, "offsets"), { offsets: changes }))) load();
  };
  const reset = async () => {
    problem.textContent = "";
    if (!stopped(name, problem)) return;
    const sure = await ask({
      title: `Reset all offsets of ${name}?`,
      body: [h("p", {}, "It forgets how far it has come, and begins anew when it goes on.")],
      confirm: "Reset offsets", danger: true, typed: name,
    });
    if (sure && await perform((answer) => answer.message, () => call("DELETE", connectorPath(name, "offsets")))) load();
  };
  return [
    offsets.length === 0 && h("p", { class: "empty" }, "No offsets are stored yet."), body, problem,
    h("div", { class: "actions" }, button("Ask again", load), button("Add a partition", add),
      button("Apply changes …", apply), button("Reset all …", reset, { kind: "danger" })),
  ];
}

/** The offsets for those who may not change them. */
function shown(offsets) {
  if (offsets.length === 0) return h("p", { class: "empty" }, "No offsets are stored yet.");
  return h("div", { class: "offsets" }, offsets.map(({ partition, offset }) => h("div", { class: "offset" },
    h("div", {}, h("span", { class: "label" }, "Partition"), h("code", {}, JSON.stringify(partition))),
    h("div", {}, h("span", { class: "label" }, "Offset"), h("code", {}, JSON.stringify(offset))))));
}

function stopped(name, problem) {
  if (known.connectors?.get(name)?.status?.connector?.state === "STOPPED") return true;
  problem.textContent = "Stop the connector first: offsets cannot be changed while it runs.";
  return false;
}

function changeText({ partition, offset }) {
  return `${JSON.stringify(partition)} → ${offset === null ? "reset" : JSON.stringify(offset)}`;
}

/** The row of an entry; of a new one if there is none yet. */
function offsetRow(entry) {
  const [partitionId, offsetId] = [freshId("partition"), freshId("offset")];
  const field = (id, value) => h("textarea", { id, rows: "1", spellcheck: "false", autocapitalize: "off", value: value === undefined ? "" : JSON.stringify(value) });
  const partition = entry === null ? field(partitionId) : h("code", { id: partitionId }, JSON.stringify(entry.partition));
  const offset = field(offsetId, entry?.offset);
  const drop = h("input", { type: "checkbox", onchange: () => { offset.disabled = drop.checked; } });
  const node = h("div", { class: "offset", role: "group", "aria-labelledby": partitionId },
    h("div", {}, entry === null ? h("label", { for: partitionId }, "Partition (JSON)") : h("span", { class: "label" }, "Partition"), partition),
    h("div", {}, h("label", { for: offsetId }, "Offset (JSON)"), offset),
    entry === null ? null : h("label", { class: "check" }, drop, "Reset"));
  const before = JSON.stringify(entry?.offset);
  return {
    node,
    /** What to tell the worker, or null; throws an error with words for the user. */
    change() {
      if (entry === null && partition.value.trim() === "" && offset.value.trim() === "") return null;
      const where = entry === null ? json(partition.value, "The new partition") : entry.partition;
      if (drop.checked) return { partition: where, offset: null };
      const value = json(offset.value, `The offset of ${JSON.stringify(where)}`);
      return entry !== null && JSON.stringify(value) === before ? null : { partition: where, offset: value };
    },
  };
}

function json(text, what) {
  try {
    const value = JSON.parse(text);
    if (value === null || (typeof value === "object" && !Array.isArray(value))) return value;
  } catch {
    // Said below.
  }
  throw new Error(`${what} has to be a JSON object, for example {"kafka_offset":42}.`);
}
