/** Sentences that pass: what went wrong, shown and read out. */

import { el, icon } from "./dom.js";

const STAYS_MS = 9000;

/** Show a sentence in `region`, an alert, for some seconds or until dismissed. */
export function toast(region, sentence) {
  const close = () => node.remove();
  const button = el(
    "button",
    { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: close },
    icon("close"),
  );
  const node = el("p", { class: "toast" }, el("span", {}, sentence), button);
  region.append(node);
  setTimeout(close, STAYS_MS);
}
