/** How the page writes times: in the viewer's own zone and language. */

import { el } from "./dom.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

const FORMATS = {
  date_num: (at) => at.toLocaleDateString(undefined, { year: "numeric", month: "2-digit", day: "2-digit" }),
  date: (at) => at.toLocaleDateString(undefined, { dateStyle: "long" }),
  date_short: (at) => at.toLocaleDateString(undefined, { dateStyle: "medium" }),
  date_long: (at) => at.toLocaleDateString(undefined, { dateStyle: "full" }),
  date_pretty: (at) => nearDay(at) ?? FORMATS.date(at),
  date_short_pretty: (at) => nearDay(at) ?? FORMATS.date_short(at),
  date_long_pretty: (at) => nearDay(at) ?? FORMATS.date_long(at),
  time: (at) => CLOCK.format(at),
  time_secs: (at) => at.toLocaleTimeString(undefined, { timeStyle: "medium" }),
  ago: (at) => ago(at),
};

/** The moment of a Slack `ts`, which counts seconds. */
export const moment = (ts) => new Date(Number.parseFloat(ts) * 1000);

/** The time of day, with the whole date as its tooltip. */
export function clock(at) {
  return el("time", { datetime: at.toISOString(), title: FULL.format(at) }, CLOCK.format(at));
}

/** Day and time in words. */
export const fullDate = (at) => FULL.format(at);

/** The day: Today, Yesterday, or its date. */
export function dayName(at) {
  const near = nearDay(at);
  return near ? near[0].toUpperCase() + near.slice(1) : DAY.format(at);
}

/** How long ago, in the largest unit that fits. */
function ago(at) {
  const seconds = (at - Date.now()) / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return RELATIVE.format(Math.trunc(seconds / size), unit);
}

/** A `<!date^…>` format filled in, e.g. `{date_short} at {time}`; names it does not know stay. */
export function formatted(at, format) {
  return format.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(FORMATS, name) ? FORMATS[name](at) : whole));
}

function nearDay(at) {
  const days = Math.round((midnight(at) - midnight(new Date())) / 86400000);
  return Math.abs(days) <= 1 ? RELATIVE.format(days, "day") : null;
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
}

/** A moment in seconds as `datetime-local` inputs take it: local, to the minute. */
export function localTime(seconds) {
  const at = new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  return at.toISOString().slice(0, 16);
}
