// What tasks do, out of the worker's metrics in Prometheus' text form.

/** Points that are kept, half an hour at one every five seconds. */
const KEPT = 360;

const SAMPLE = /^kafka_connect_(source|sink)_task(?:_metrics)?_([a-z_]+)\{(.*)\} (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Which figure is which. Sources read from their system and write to Kafka; sinks the other way round. */
const FIGURES = {
  source_record_poll_total: "read",
  source_record_write_total: "written",
  sink_record_read_total: "read",
  sink_record_send_total: "written",
  sink_record_lag_max: "lag",
};

/** The figures of all tasks: `connector` and `task` of each with `read`, `written` and `lag`, where they are known. */
export function tasksIn(text) {
  const tasks = new Map();
  for (const line of text.split("\n")) {
    const sample = SAMPLE.exec(line);
    const figure = sample && FIGURES[sample[2]];
    if (!figure) continue;
    const labels = labelsIn(sample[3]);
    const value = Number(sample[4]);
    if (labels.connector === undefined || labels.task === undefined || Number.isNaN(value)) continue;
    const key = JSON.stringify([labels.connector, labels.task]);
    const task = tasks.get(key) ?? { connector: labels.connector, task: labels.task };
    // One task may have a lag for each partition.
    task[figure] = figure === "lag" ? Math.max(task.lag ?? 0, value) : (task[figure] ?? 0) + value;
    tasks.set(key, task);
  }
  return tasks;
}

function labelsIn(text) {
  const unescaped = (value) => value.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, name, value]) => [name, unescaped(value)]));
}

/** Figures over time: rates of each task now, and of each connector and of all since the page was opened. */
export class History {
  #before = new Map();
  #beforeAt = 0;
  #rates = new Map();
  #connectors = new Map();
  #all = [];

  /** Takes the tasks that `tasksIn` found at the time `at`. */
  add(tasks, at) {
    const seconds = (at - this.#beforeAt) / 1000;
    this.#rates = new Map();
    const points = new Map();
    const total = { at, read: null, written: null, lag: null };
    for (const [key, task] of tasks) {
      const before = this.#before.get(key);
      // A total that fell began anew with its task.
      const rate = (figure) => (before?.[figure] <= task[figure] ? (task[figure] - before[figure]) / seconds : null);
      const now = { read: rate("read"), written: rate("written"), lag: task.lag ?? null };
      this.#rates.set(key, now);
      const point = points.get(task.connector) ?? { at, read: null, written: null, lag: null };
      points.set(task.connector, point);
      for (const sum of [point, total]) merge(sum, now);
    }
    for (const [connector, point] of points) this.#push(connector, point);
    for (const connector of this.#connectors.keys()) {
      if (!points.has(connector)) this.#push(connector, { at, read: null, written: null, lag: null });
    }
    keep(this.#all, total);
    this.#before = tasks;
    this.#beforeAt = at;
  }

  #push(connector, point) {
    const points = this.#connectors.get(connector) ?? [];
    this.#connectors.set(connector, points);
    keep(points, point);
    if (points.every((it) => it.read === null && it.written === null && it.lag === null) && points.length >= KEPT) {
      this.#connectors.delete(connector);
    }
  }

  /** The points of a connector, oldest first. */
  of(connector) {
    return this.#connectors.get(connector) ?? [];
  }

  /** The points of all connectors together; their lag is the largest one. */
  all() {
    return this.#all;
  }

  /** The figures of a task now. */
  task(connector, task) {
    return this.#rates.get(JSON.stringify([connector, String(task)])) ?? { read: null, written: null, lag: null };
  }
}

function merge(sum, now) {
  for (const figure of ["read", "written"]) {
    if (now[figure] !== null) sum[figure] = (sum[figure] ?? 0) + now[figure];
  }
  if (now.lag !== null) sum.lag = Math.max(sum.lag ?? 0, now.lag);
}

function keep(points, point) {
  points.push(point);
  if (points.length > KEPT) points.shift();
}
