// What the user may do here, so that the page offers nothing that the worker would refuse.

import { ApiError, call } from "./api.js";

/** Everything until the worker has said; it refuses by itself what the user may not do. */
let rights = { user: null, change: ["*"], loggers: "change" };

/** Asks the worker, where rights can change while it runs. */
export async function learnRights() {
  try {
    rights = await call("GET", "ui/rights", undefined, { patience: 5_000 });
  } catch (error) {
    // Whoever may not even ask is refused all the rest too.
    if (!(error instanceof ApiError)) throw error;
  }
}

/** The user's name; null if nobody asks for it. */
export function userName() {
  return rights.user;
}

/** Whether the user may change a connector of this name. */
export function mayChange(name) {
  return rights.change.some((pattern) => matches(pattern, name));
}

/** Whether there are names under which the user may create a connector. */
export function mayCreate() {
  return rights.change.length > 0;
}

/** Whether the user may set log levels. */
export function maySetLevels() {
  return rights.loggers === "change";
}

/** Whether `name` is one of those that `pattern` stands for, in which `*` is any text. */
export function matches(pattern, name) {
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`, "u").test(name);
}
