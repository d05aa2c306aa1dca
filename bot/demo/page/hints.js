/** What there is to try: a strip that can be put away, with a tick on what was tried. */

import { el } from "./dom.js";

/** Make `tick(name)`. The strip stays away once dismissed, until it is asked for; narrow screens start without. */
export function hints(panel, opener) {
  const show = (visible) => {
    panel.hidden = !visible;
    opener.setAttribute("aria-expanded", String(visible));
  };
  const remember = (visible) => {
    show(visible);
    localStorage.setItem("hints", visible ? "shown" : "dismissed");
  };
  opener.addEventListener("click", () => remember(panel.hidden));
  panel.querySelector(".close").addEventListener("click", () => {
    remember(false);
    opener.focus();
  });
  const remembered = localStorage.getItem("hints");
  show(remembered ? remembered === "shown" : matchMedia("(min-width: 60rem)").matches);

  const draw = () => {
    for (const name of tried()) mark(panel.querySelector(`[data-try="${CSS.escape(name)}"]`));
  };
  // Another window may have tried something.
  addEventListener("storage", draw);
  draw();

  return (name) => {
    if (tried().has(name)) return;
    localStorage.setItem("tried", [...tried(), name].join(" "));
    draw();
  };
}

function tried() {
  return new Set((localStorage.getItem("tried") ?? "").split(" ").filter(Boolean));
}

function mark(item) {
  if (!item || item.classList.contains("tried")) return;
  item.classList.add("tried");
  item.prepend(el("span", { class: "visually-hidden" }, "Tried: "));
}
