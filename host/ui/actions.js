// What can be done to a connector, each with what the user is told before and after.

import { ApiError, call, connectorPath } from "./api.js";
import { ask } from "./dialog.js";
import { h, notify } from "./dom.js";
import { refresh } from "./store.js";

/** Does something, says what came of it, and looks at the worker again. True if it was done. */
export async function perform(done, action) {
  try {
    const answer = await action();
    notify(typeof done === "function" ? done(answer) : done);
    return true;
  } catch (error) {
    notify(error instanceof ApiError ? `${error.message} (HTTP ${error.status})` : `${error.message}. It is not known whether it was done.`,
      { error: true });
    return false;
  } finally {
    refresh();
  }
}

/** Pauses: tasks stay, but move nothing. */
export function pause(name) {
  return perform(`${name} pauses.`, () => call("PUT", connectorPath(name, "pause")));
}

/** Goes on after a pause or a stop. */
export function resume(name) {
  return perform(`${name} goes on.`, () => call("PUT", connectorPath(name, "resume")));
}

/** Stops: the tasks are gone until the connector goes on. */
export async function stop(name) {
  const sure = await ask({
    title: `Stop ${name}?`,
    body: [h("p", {}, "Its tasks end and give back what they hold. Offsets and configuration stay; “Resume” starts it again.")],
    confirm: "Stop",
  });
  return sure !== null && perform(`${name} is stopped.`, () => call("PUT", connectorPath(name, "stop")));
}

/** Restarts the connector, its tasks, or only what failed of them. */
export async function restart(name, { failed = false } = {}) {
  const box = (text, checked) => {
    const input = h("input", { type: "checkbox", checked });
    return [h("label", { class: "check" }, input, text), input];
  };
  const [tasksLabel, includeTasks] = box("Its tasks too", true);
  const [failedLabel, onlyFailed] = box("Only what has failed", failed);
  const chosen = await ask({
    title: `Restart ${name}`, body: [tasksLabel, failedLabel], confirm: "Restart",
    read: () => `includeTasks=${includeTasks.checked}&onlyFailed=${onlyFailed.checked}`,
  });
  if (chosen === null) return false;
  return perform(`${name} restarts.`, () => call("POST", `${connectorPath(name, "restart")}?${chosen}`));
}

/** Restarts one task. */
export function restartTask(name, task) {
  return perform(`Task ${task} of ${name} restarts.`, () => call("POST", connectorPath(name, "tasks", String(task), "restart")));
}

/** Deletes the connector; its offsets stay where they are. */
export async function remove(name) {
  const sure = await ask({
    title: `Delete ${name}?`,
    body: [h("p", {}, "Its configuration is gone then. What it has written stays, and so do its offsets.")],
    confirm: "Delete", danger: true, typed: name,
  });
  if (sure === null) return false;
  const done = await perform(`${name} is deleted.`, () => call("DELETE", connectorPath(name)));
  if (done) location.hash = "#/connectors";
  return done;
}
