// How figures, times and class names are written.

const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A number to read: `12.5`, `14.2K`; a dash where there is none. */
export function number(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Math.abs(value) < 10_000 ? NUMBER.format(value) : SHORT.format(value);
}

/** The time of day. */
export function clock(millis) {
  return new Date(millis).toLocaleTimeString([], { hour12: false });
}

/** Date and time. */
export function moment(millis) {
  return new Date(millis).toLocaleString([], { hour12: false });
}

/** `12 s`, `3 min`, `2 h`, `5 d` */
export function span(millis) {
  const seconds = Math.max(0, Math.round(millis / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A class name without its package. */
export function shortClass(name) {
  return String(name ?? "").replace(/^.*\./, "");
}

/** True for keys whose values should not stand on a screen for everybody to see. */
export function looksSecret(key) {
  return /password|passwd|secret|token|credential|api[._-]?key|private[._-]?key|jaas/i.test(key);
}

/** `1 task`, `2 tasks` */
export function count(amount, noun) {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
