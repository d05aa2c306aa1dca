/** A list of suggestions under an input, by the ARIA combobox pattern. */

import { el, fill } from "./dom.js";

export class Suggestions {
  #input;
  #list;
  #choices = [];
  #active = -1;

  constructor(input, list) {
    this.#input = input;
    this.#list = list;
    input.addEventListener("input", () => this.#show());
    input.addEventListener("focus", () => this.#show());
    input.addEventListener("blur", () => this.hide());
    input.addEventListener("keydown", (event) => {
      if (this.#list.hidden || !this.#steer(event)) return;
      event.preventDefault();
    });
  }

  /** Suggest from these: [{text, about}]. */
  offer(choices) {
    this.#choices = choices;
  }

  hide() {
    this.#list.hidden = true;
    this.#mark(-1);
  }

  #show() {
    const text = this.#input.value.trimStart();
    const fits = this.#choices.filter(
      (choice) => text.startsWith("/") && choice.text.startsWith(text) && choice.text !== text,
    );
    fill(
      this.#list,
      fits.map((choice, at) => this.#option(choice, at)),
    );
    this.#list.hidden = fits.length === 0;
    this.#mark(-1);
  }

  #option({ text, about }, at) {
    const take = (event) => {
      // Before the input loses the focus, which would hide the list.
      event.preventDefault();
      this.#take(text);
    };
    const attributes = { role: "option", id: `suggestion-${at}`, "data-text": text, onpointerdown: take };
    return el("li", attributes, el("b", {}, text), el("small", {}, about));
  }

  #mark(at) {
    this.#active = at;
    [...this.#list.children].forEach((node, index) => node.setAttribute("aria-selected", String(index === at)));
    this.#input.setAttribute("aria-expanded", String(!this.#list.hidden));
    this.#input.setAttribute("aria-activedescendant", at < 0 ? "" : this.#list.children[at].id);
  }

  #take(text) {
    this.#input.value = text;
    this.hide();
    this.#input.focus();
  }

  /** True when the key was meant for the list. */
  #steer({ key, shiftKey }) {
    const options = [...this.#list.children];
    const last = options.length - 1;
    if (key === "ArrowDown") this.#mark(this.#active < last ? this.#active + 1 : 0);
    else if (key === "ArrowUp") this.#mark(this.#active > 0 ? this.#active - 1 : last);
    else if (key === "Escape") this.hide();
    else if (key === "Enter" && this.#active >= 0) this.#take(options[this.#active].dataset.text);
    else if (key === "Tab" && !shiftKey) this.#take(options[Math.max(this.#active, 0)].dataset.text);
    else return false;
    return true;
  }
}
