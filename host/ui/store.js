// What the page knows of the worker, and the polling that keeps it fresh.

import { ApiError, Unreachable, call } from "./api.js";
import { History, tasksIn } from "./metrics.js";
import { learnRights } from "./rights.js";

/** Between two looks at the worker. */
const PACE = 5_000;
/** The longest pause after looks that failed. */
const SLOWEST = 30_000;
/** Every so many looks the configurations are fetched again, for changes that others made. */
const INFO_EVERY = 12;
/** Statuses are asked for in the background; they should come at once. */
const PATIENCE = 15_000;

/** What is known. Views read it; only this module writes it. */
export const known = {
  /** Name to `{status, info}`; null before the first answer. */
  connectors: null,
  /** Figures over time. */
  history: new History(),
  /** Whether the worker serves metrics; null before it is known. */
  metrics: null,
  /** When the worker last answered, in milliseconds since 1970. */
  at: null,
  /** Why it does not answer, since when, and when it is asked again; null if it does. */
  lost: null,
};

const watchers = new Set();
let timer = null;
let looks = 0;
let failures = 0;
let looking = null;
let again = false;

/** Calls `watcher` after each look. Gives a function that ends this. */
export function watch(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Begins to look, and goes on for as long as the page can be seen. */
export function begin() {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else refresh();
  });
  return refresh();
}

/** Looks at once, for example after an action. `info` fetches the configurations too. */
export async function refresh({ info = false } = {}) {
  if (info) looks = 0;
  if (looking) {
    // The look under way may have begun before what the caller wants to see.
    again = true;
    return looking;
  }
  clearTimeout(timer);
  looking = look().finally(() => {
    looking = null;
    for (const watcher of [...watchers]) watcher();
    if (again) {
      again = false;
      refresh();
    } else if (!document.hidden) {
      timer = setTimeout(refresh, pause());
    }
  });
  return looking;
}

function pause() {
  return failures === 0 ? PACE : Math.min(SLOWEST, PACE * 2 ** (failures - 1));
}

async function look() {
  try {
    if (looks % INFO_EVERY === 0) await learnRights();
    await lookAtConnectors();
    await lookAtMetrics();
    looks += 1;
    failures = 0;
    known.at = Date.now();
    known.lost = null;
  } catch (error) {
    failures += 1;
    known.lost = {
      since: known.lost?.since ?? Date.now(), why: error.message, next: Date.now() + pause(), refused: error instanceof ApiError,
    };
  }
}

async function lookAtConnectors() {
  const fetchInfo = looks % INFO_EVERY === 0;
  const path = fetchInfo ? "connectors?expand=status&expand=info" : "connectors?expand=status";
  const found = await call("GET", path, undefined, { patience: PATIENCE });
  if (found === null || typeof found !== "object") throw new Unreachable("Something else than a worker answered");
  const before = known.connectors;
  const unknown = Object.keys(found).some((name) => !fetchInfo && !before?.get(name)?.info);
  known.connectors = new Map(Object.entries(found).map(([name, it]) =>
    [name, { status: it.status, info: it.info ?? before?.get(name)?.info }]));
  if (unknown) {
    looks = 0;
    await lookAtConnectors();
  }
}

async function lookAtMetrics() {
  if (known.metrics === false && looks % INFO_EVERY !== 0) return;
  try {
    const text = await call("GET", "metrics", undefined, { patience: PATIENCE, accept: "text/plain, */*;q=0.1" });
    known.metrics = true;
    known.history.add(tasksIn(String(text ?? "")), Date.now());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    known.metrics = false;
  }
}
