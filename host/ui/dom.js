// Making elements. All text goes through text nodes: nothing that a user, a plugin or a broker wrote is ever read as
// markup.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "line", "circle"]);
/** What must be set as a property, because the attribute of that name only gives the first value. */
const PROPERTIES = new Set(["value", "checked", "selected", "disabled", "open", "hidden", "readOnly", "indeterminate"]);

/** Makes an element. Attributes that are null, undefined or false are left out; `onclick` and the like are listeners. */
export function h(tag, attributes = {}, ...children) {
  const node = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  // Choices first: a select takes its value from among them.
  node.append(...flat(children));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

/** Children without the gaps that conditions leave. */
function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/**
 * Replaces what is in `container`, and keeps for the user what the replacing would take: the focus, by the element's
 * `data-focus`, and which `<details>` are open, by their `data-open`.
 */
export function redraw(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement : null;
  const opened = new Map([...container.querySelectorAll("details[data-open]")].map((it) => [it.dataset.open, it.open]));
  container.replaceChildren(...flat(children));
  for (const details of container.querySelectorAll("details[data-open]")) {
    if (opened.has(details.dataset.open)) details.open = opened.get(details.dataset.open);
  }
  if (!focused || document.activeElement === focused) return;
  const key = focused.dataset.focus;
  const again = container.contains(focused) ? focused
    : key && [...container.querySelectorAll("[data-focus]")].find((it) => it.dataset.focus === key);
  if (again) again.focus({ preventScroll: true });
}

/** A button with a listener. `kind` is a style: `primary`, `danger` or nothing. */
export function button(text, onclick, { kind, focus, ...attributes } = {}) {
  return h("button", { type: "button", class: kind, onclick, "data-focus": focus ?? text, ...attributes }, text);
}

/** A coloured word for a state. The word and the mark say it too, for those who see no colours. */
export function badge(state) {
  const known = ["RUNNING", "PAUSED", "STOPPED", "FAILED", "UNASSIGNED", "RESTARTING", "DESTROYED"];
  return h("span", { class: `badge ${known.includes(state) ? state.toLowerCase() : "unassigned"}` }, state);
}

let ids = 0;
/** An id that no other element has. */
export function freshId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** Says something to the user, seen and read aloud. Errors stay until they are dismissed. */
export function notify(text, { error = false } = {}) {
  const close = () => notice.remove();
  const notice = h("div", { class: error ? "notice error" : "notice", role: error ? "alert" : null },
    h("p", {}, text), h("button", { type: "button", class: "plain", "aria-label": "Dismiss", onclick: close }, "×"));
  const notices = document.getElementById("notices");
  while (notices.childElementCount >= 4) notices.firstElementChild.remove();
  notices.append(notice);
  if (!error) setTimeout(close, 8000);
}
