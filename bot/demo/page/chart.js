/** Slack's chart block as an SVG drawing. What it shows is also its text for screen readers. */

import { el, svg } from "./dom.js";

const WIDTH = 640;
const LEFT = 44;
const TOP = 18;
const PLOT = 168;
const LETTER = 6.1; // the width of a letter in the labels, about
const STEPS = 4;

/** The figure of a data_visualization block: bars, lines, or for a pie bars again. */
export function chart(block) {
  const { categories, series, axes } = parts(block.chart);
  return el(
    "figure",
    {},
    el("figcaption", {}, block.title),
    series.length > 1 && el("p", { class: "legend" }, series.map(legend)),
    el(
      "div",
      { class: "scrolled", tabindex: "0", role: "img", "aria-label": `${block.title}. ${spoken(categories, series)}` },
      drawing(block.chart.type, categories, series, axes),
    ),
  );
}

/** A pie is drawn as bars: angles are hard to compare. */
function parts(chart) {
  if (chart.type !== "pie") {
    const { categories, x_label, y_label } = chart.axis_config;
    return { categories, series: chart.series, axes: { x: x_label, y: y_label } };
  }
  const data = chart.segments;
  return { categories: data.map(({ label }) => label), series: [{ name: "", data }], axes: {} };
}

const legend = ({ name }, at) => el("span", {}, el("i", { class: `swatch series-${at}` }), name);

function spoken(categories, series) {
  const values = (at) => series.map(({ name, data }) => `${name} ${data[at].value}`.trim()).join(", ");
  return categories.map((label, at) => `${label}: ${values(at)}`).join("; ");
}

function drawing(type, categories, series, axes) {
  const slot = (WIDTH - LEFT) / categories.length;
  const longest = Math.max(...categories.map((label) => label.length)) * LETTER;
  const isSlanted = longest > slot - 6;
  const bottom = (isSlanted ? Math.min(longest * 0.64 + 14, 96) : 20) + (axes.x ? 18 : 0);
  const scale = scaleOf(series.flatMap(({ data }) => data.map(({ value }) => value)));
  const height = TOP + PLOT + bottom;
  return svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${height}`, class: "chart", "aria-hidden": "true" },
    scale.ticks.map((value) => grid(value, scale)),
    axes.y && svg("text", { x: 0, y: 10, class: "axis" }, axes.y),
    type === "bar" || type === "pie" ? bars(series, slot, scale) : lines(series, slot, scale, type === "area"),
    categories.map((label, at) => name(label, LEFT + slot * (at + 0.5), isSlanted)),
    axes.x && svg("text", { x: LEFT + (WIDTH - LEFT) / 2, y: height - 4, class: "axis middle" }, axes.x),
  );
}

/** Round steps from the smallest value, or zero, to the largest. */
function scaleOf(values) {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const rough = (high - low || 1) / STEPS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const isWhole = values.every(Number.isInteger);
  const step = Math.max([1, 2, 5, 10].find((factor) => factor * power >= rough) * power, isWhole ? 1 : 0);
  const [from, to] = [Math.floor(low / step) * step, Math.ceil(high / step || 1) * step];
  const ticks = Array.from({ length: Math.round((to - from) / step) + 1 }, (_, at) => from + at * step);
  return { ticks, y: (value) => TOP + PLOT * (1 - (value - from) / (to - from)) };
}

function grid(value, { y }) {
  return [
    svg("line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: value === 0 ? "base" : "grid" }),
    svg("text", { x: LEFT - 6, y: y(value) + 4, class: "tick" }, number(value)),
  ];
}

function bars(series, slot, { y }) {
  const width = Math.min((slot * 0.72) / series.length, 44);
  const bar = (value, at, which) => {
    const x = LEFT + slot * (at + 0.5) + (which - series.length / 2) * width;
    const [top, foot] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    return [
      svg("rect", { x: x + 1, y: top, width: width - 2, height: foot - top, rx: 2, class: `series-${which}` }),
      width > 13 && svg("text", { x: x + width / 2, y: top - 4, class: "value" }, number(value)),
    ];
  };
  return series.map(({ data }, which) => data.map(({ value }, at) => bar(value, at, which)));
}

function lines(series, slot, { y }, isFilled) {
  return series.map(({ data }, which) => {
    const points = data.map(({ value }, at) => [LEFT + slot * (at + 0.5), y(value)]);
    const area = [...points, [points.at(-1)[0], y(0)], [points[0][0], y(0)]];
    return [
      isFilled && svg("polygon", { points: area.join(" "), class: `area series-${which}` }),
      svg("polyline", { points: points.join(" "), class: `line series-${which}` }),
      points.map(([cx, cy]) => svg("circle", { cx, cy, r: 3, class: `series-${which}` })),
    ];
  });
}

function name(label, x, isSlanted) {
  const y = TOP + PLOT + 16;
  if (!isSlanted) return svg("text", { x, y, class: "label middle" }, label);
  return svg("text", { x: x + 4, y: y - 2, class: "label end", transform: `rotate(-38 ${x + 4} ${y - 2})` }, label);
}

const number = (value) => value.toLocaleString("en", { maximumFractionDigits: 2 });
