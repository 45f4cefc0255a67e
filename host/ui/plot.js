// A small line plot.

import { h } from "./dom.js";
import { clock, number } from "./format.js";

const WIDTH = 600;
const HEIGHT = 120;
/** The least that is shown, so that the first points do not fill the width. */
const LEAST = 5 * 60_000;

/**
 * A plot titled `title` of some figures of points. `series` are `{figure, name}`; the first two have colours of their
 * own. Gives the element and `draw(points)`.
 */
export function plot(title, unit, series) {
  const paths = series.map((_, index) => h("path", { class: `line line-${index + 1}`, "vector-effect": "non-scaling-stroke" }));
  const cursor = h("line", { class: "cursor", y1: 0, y2: HEIGHT, "vector-effect": "non-scaling-stroke", visibility: "hidden" });
  const grid = [0.5, 1].map((share) => h("line", {
    class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT * (1 - share) + 0.5, y2: HEIGHT * (1 - share) + 0.5,
    "vector-effect": "non-scaling-stroke",
  }));
  const image = h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, grid, paths, cursor);
  const top = h("span", { class: "plot-top" });
  const left = h("span", {});
  const right = h("span", {});
  const legend = h("p", { class: "legend" });
  const node = h("figure", { class: "plot" },
    h("figcaption", {}, h("strong", {}, title), legend),
    h("div", { class: "plot-area" }, image, top), h("div", { class: "plot-times" }, left, right));
  let state = null;

  const say = (point, when) => {
    legend.replaceChildren(...series.map(({ figure, name }, index) =>
      h("span", { class: `key key-${index + 1}` }, `${name} ${number(point?.[figure])}${unit}`)), when);
  };
  const latest = () => {
    const point = state?.points.at(-1);
    say(point, "");
    const words = series.map(({ figure, name }) => `${name} ${number(point?.[figure])}${unit}`).join(", ");
    image.setAttribute("aria-label", `${title}: now ${words}; highest ${number(state?.highest)}${unit}`);
  };
  image.addEventListener("pointermove", (event) => {
    if (!state || state.points.length === 0) return;
    const box = image.getBoundingClientRect();
    const at = state.from + ((event.clientX - box.left) / box.width) * (state.to - state.from);
    const point = state.points.reduce((best, it) => (Math.abs(it.at - at) < Math.abs(best.at - at) ? it : best));
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, state.x(point.at));
    cursor.setAttribute("visibility", "visible");
    say(point, ` at ${clock(point.at)}`);
  });
  image.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    latest();
  });

  return {
    node,
    draw(points) {
      const to = points.at(-1)?.at ?? Date.now();
      const from = Math.min(points[0]?.at ?? to, to - LEAST);
      const values = points.flatMap((point) => series.map(({ figure }) => point[figure] ?? 0));
      const highest = Math.max(0, ...values);
      const scale = roundUp(highest);
      const x = (at) => ((at - from) / (to - from)) * WIDTH;
      const y = (value) => HEIGHT - 1 - (value / scale) * (HEIGHT - 4);
      state = { points, from, to, highest, x };
      paths.forEach((path, index) => path.setAttribute("d", trace(points, series[index].figure, x, y)));
      top.textContent = `${number(scale)}${unit}`;
      left.textContent = clock(from);
      right.textContent = clock(to);
      if (cursor.getAttribute("visibility") === "hidden") latest();
    },
  };
}

/** The line through the points, broken where a figure is not known. */
function trace(points, figure, x, y) {
  let pen = "M";
  let path = "";
  for (const point of points) {
    if (point[figure] === null || point[figure] === undefined) {
      pen = "M";
      continue;
    }
    path += `${pen}${x(point.at).toFixed(1)} ${y(point[figure]).toFixed(1)}`;
    pen = "L";
  }
  return path;
}

/** The next of 1, 2, 5, 10, 20, … */
function roundUp(value) {
  if (!(value > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
