/** The panel at the side: two tabs, and an overlay where the screen is narrow. */

import { rememberFocus } from "./focus.js";

const NARROW = matchMedia("(max-width: 60rem)");

export class Panel {
  #node;
  #tabs;
  #behind;
  #onClose;
  #giveFocusBack = () => {};

  /** `behind`: what cannot be reached while the panel covers it. */
  constructor(node, behind, onClose) {
    this.#node = node;
    this.#behind = behind;
    this.#onClose = onClose;
    this.#tabs = [...node.querySelectorAll("[role=tab]")];
    for (const tab of this.#tabs) tab.addEventListener("click", () => this.#select(tab));
    node.addEventListener("keydown", (event) => this.#steer(event));
    node.querySelector(".close").addEventListener("click", () => this.close());
    NARROW.addEventListener("change", () => this.#cover());
  }

  /** Show a tab by its name, and on a narrow screen the panel; the focus goes there. */
  open(name) {
    if (!this.#node.contains(document.activeElement)) this.#giveFocusBack = rememberFocus();
    const tab = this.#tabs.find((candidate) => candidate.dataset.tab === name);
    this.#select(tab);
    this.#node.classList.add("open");
    this.#cover();
    tab.focus();
  }

  close() {
    this.#node.classList.remove("open");
    this.#cover();
    this.#onClose();
    this.#giveFocusBack();
  }

  #select(chosen) {
    for (const tab of this.#tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
  }

  #cover() {
    const covers = NARROW.matches && this.#node.classList.contains("open");
    for (const node of this.#behind) node.inert = covers;
  }

  #steer(event) {
    if (event.key === "Escape") return this.close();
    const at = this.#tabs.indexOf(event.target);
    if (at < 0 || !["ArrowLeft", "ArrowRight"].includes(event.key)) return undefined;
    const other = this.#tabs[(at + 1) % this.#tabs.length];
    this.#select(other);
    return other.focus();
  }
}
