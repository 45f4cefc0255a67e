// The page: which address shows which view, and what all views share.

import { askAgain, call, onUnauthorised } from "./api.js";
import { connectorView } from "./connector.js";
import { connectorsView } from "./connectors.js";
import { ask, askWho } from "./dialog.js";
import { button, h, redraw } from "./dom.js";
import { editView, newView } from "./editor.js";
import { clock, span } from "./format.js";
import { loggersView } from "./loggers.js";
import { pluginView, pluginsView } from "./plugins.js";
import { learnRights, userName } from "./rights.js";
import { begin, known, refresh, watch } from "./store.js";

const main = document.getElementById("main");
const lost = document.getElementById("lost");

/** The view that is shown: `title`, `node`, and maybe `update`, `dirty`. */
let view = null;
let shown = null;
/** True while the address is put back because the user stays. */
let putBack = false;

/** The view for the parts of an address. */
function viewFor([noun, name, part]) {
  switch (noun) {
    case undefined:
    case "connectors":
      if (name === undefined) return connectorsView();
      return part === "edit" ? editView(name) : connectorView(name, part ?? "tasks");
    case "new":
      return newView(name);
    case "plugins":
      return name === undefined ? pluginsView() : pluginView(name, part);
    case "loggers":
      return loggersView();
    default:
      return null;
  }
}

function nothingHere() {
  return {
    title: "Nothing here",
    node: h("section", {}, h("h1", {}, "Nothing here"), h("p", {}, h("a", { href: "#/connectors" }, "To the connectors"))),
  };
}

function partsOf(hash) {
  try {
    return hash.replace(/^#\/?/, "").split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return ["?"];
  }
}

async function show() {
  if (putBack) {
    putBack = false;
    return;
  }
  const hash = location.hash;
  if (view?.dirty?.()) {
    const wanted = hash;
    putBack = true;
    location.hash = shown;
    const leave = await ask({
      title: "Leave without saving?", body: [h("p", {}, "What you have changed in this form is lost then.")],
      confirm: "Leave", danger: true,
    });
    if (!leave) return;
    view = null;
    location.hash = wanted;
    return;
  }
  const parts = partsOf(hash);
  view = viewFor(parts) ?? nothingHere();
  const first = shown === null;
  shown = hash;
  document.title = `${view.title} – Ferroconnect`;
  for (const link of document.querySelectorAll("[data-nav]")) {
    const here = link.dataset.nav === (parts[0] === "new" ? "connectors" : parts[0] ?? "connectors");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.replaceChildren(view.node);
  view.update?.();
  scrollTo(0, 0);
  // Readers of the screen learn that the page is another one now.
  if (!first) (view.focus?.() ?? main).focus({ preventScroll: true });
}

function showConnection() {
  if (known.lost === null) {
    if (!lost.hidden) redraw(lost);
    lost.hidden = true;
    document.body.classList.remove("stale");
    return;
  }
  const { since, why, next, refused } = known.lost;
  const what = refused ? "The worker refuses to answer" : "No connection to the worker";
  const retry = () => {
    askAgain();
    refresh();
  };
  const before = known.at === null ? "" : ` What you see is from ${clock(known.at)}.`;
  redraw(lost, h("p", {}, h("strong", {}, what), ` since ${clock(since)}: ${why.replace(/\.$/, "")}.${before}`,
    ` Trying again in ${span(next - Date.now())}.`), button("Try now", retry));
  lost.hidden = false;
  document.body.classList.add("stale");
}

async function introduce() {
  try {
    const { version, commit, kafka_cluster_id: cluster } = await call("GET", "");
    const worker = document.getElementById("worker");
    worker.textContent = [userName(), version, commit.slice(0, 8)].filter(Boolean).join(" · ");
    worker.title = `Kafka Connect API ${version}, commit ${commit}, Kafka cluster ${cluster ?? "unknown"}`;
  } catch {
    // The first look at the connectors says it already.
  }
}

onUnauthorised(askWho);
addEventListener("hashchange", show);
addEventListener("beforeunload", (event) => {
  if (view?.dirty?.()) event.preventDefault();
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) document.getElementById("notices").lastElementChild?.remove();
});
// A plain link would change the address, which chooses the view.
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
watch(() => {
  showConnection();
  view?.update?.();
});
// The first view already offers only what the user may do. Without an answer, the first look says what is wrong.
learnRights().catch(() => null).then(show).then(begin).then(introduce);
