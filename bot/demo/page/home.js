/** The app's Home tab, which is a person's own. */

import { renderBlock } from "./blocks.js";
import { el, fill } from "./dom.js";
import { replaceKeepingFocus } from "./focus.js";

/** `nodes`: the switch, the tab, and what it covers. `does`: open(), and press(view, block, part, answer). */
export function homeView({ toggle, tab, covered }, does) {
  let shown = null;

  toggle.addEventListener("click", () => {
    const isOpen = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(isOpen));
    tab.hidden = !isOpen;
    for (const node of covered) node.hidden = isOpen;
    if (isOpen) does.open();
  });

  return (view, people) => {
    if (!view) {
      shown = null;
      fill(tab, el("p", { class: "nothing" }, "One moment…"));
      return;
    }
    if (view.id === shown) return;
    shown = view.id;
    const surface = {
      people,
      press: (block, part, answer) => does.press(view, block, part, answer),
      typed: () => undefined,
      type: () => {},
    };
    const blocks = el("div", { class: "blocks" }, view.blocks.map((block) => renderBlock(block, surface)));
    if (tab.firstElementChild) replaceKeepingFocus(tab.firstElementChild, blocks);
    else fill(tab, blocks);
  };
}
