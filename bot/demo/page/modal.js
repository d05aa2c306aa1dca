/** The modal on top of a person's stack: what it shows, what was typed into it, how it is sent. */

import { renderBlock } from "./blocks.js";
import { el, fill, whileBusy } from "./dom.js";
import { firstControl, keepTabInside, rememberFocus } from "./focus.js";
import { formState, shortcomings } from "./form.js";
import { keyedList } from "./keyed.js";
import { plain } from "./mrkdwn.js";

/** `does`: press(view, state, block, element, answer), submit(view, state) → answer, and close(view). */
export class Modal {
  #dialog;
  #does;
  #typed = new Map(); // view id → block id → action id → value
  #view = null;
  #drawBody;
  #drawFooter;
  #giveFocusBack = () => {};

  constructor(dialog, does) {
    this.#dialog = dialog;
    this.#does = does;
    this.#drawFooter = keyedList(this.#part("footer"), (button) => this.#button(button));
    keepTabInside(dialog);
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#leave();
    });
    dialog.querySelector(".close").addEventListener("click", () => this.#leave());
    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const button = this.#part("footer").querySelector("[type=submit]");
      if (button) whileBusy(button, () => this.#submit());
    });
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** Show this view, or none. What was typed stays as long as its block and action are the same. */
  show(view, people) {
    const another = view?.id !== this.#view?.id;
    if (!this.isOpen && view) this.#giveFocusBack = rememberFocus();
    this.#view = view ?? null;
    if (!view) return this.#shut();
    if (another) this.#begin(view);
    this.#dialog.dataset.callbackId = view.callback_id ?? "";
    this.#part("title").textContent = plain(view.title);
    const before = firstControl(this.#part("body"));
    this.#drawBody(
      view.blocks.map((block, at) => ({ key: block.block_id ?? `#${at}`, value: block })),
      this.#surface(people),
    );
    this.#drawFooter(buttons(view).map((button) => ({ key: button.type, value: button })));
    if (!this.isOpen) this.#dialog.showModal();
    const first = firstControl(this.#part("body"));
    if (first) this.#part("body").removeAttribute("tabindex");
    else this.#part("body").tabIndex = 0; // words alone must scroll by keyboard, too
    // An app opens a modal empty and fills it when it knows more.
    if (another || (first && !before)) (first ?? firstControl(this.#part("footer"))).focus({ preventScroll: another });
    if (another) this.#part("body").scrollTop = 0; // the first control may be a link far below
    return undefined;
  }

  /** A sentence about what went wrong, above the buttons. */
  say(sentence) {
    this.#part("trouble").textContent = sentence;
  }

  #part(name) {
    return this.#dialog.querySelector(`.${name}`);
  }

  #begin(view) {
    if (!this.#typed.has(view.id)) this.#typed.set(view.id, {});
    this.#drawBody = keyedList(fill(this.#part("body")), renderBlock);
    this.say("");
  }

  #shut() {
    this.#typed.clear();
    if (!this.isOpen) return;
    this.#dialog.close();
    this.#giveFocusBack();
  }

  #leave() {
    if (this.#view) this.#does.close(this.#view);
  }

  #state() {
    return formState(this.#view, this.#typed.get(this.#view.id));
  }

  #surface(people) {
    const typed = this.#typed.get(this.#view.id);
    return {
      people,
      press: (block, part, answer) => this.#does.press(this.#view, this.#state(), block, part, answer),
      typed: (block, part) => typed[block.block_id]?.[part.action_id],
      type: (block, part, value) => {
        (typed[block.block_id] ??= {})[part.action_id] = value;
        this.#complain(block.block_id, "");
      },
    };
  }

  #button({ type, words }) {
    if (type === "submit") return el("button", { class: "button primary", type }, words);
    return el("button", { class: "button", type, onclick: () => this.#leave() }, words);
  }

  async #submit() {
    const view = this.#view;
    const missing = shortcomings(view, this.#state());
    if (Object.keys(missing).length) return this.#complainAll(missing);
    this.say("");
    const answer = await this.#does.submit(view, this.#state());
    if (this.#view?.id !== view.id) return undefined;
    if (answer.errors) return this.#complainAll(answer.errors);
    return answer.ok ? undefined : this.say(answer.error);
  }

  /** Each sentence stands under its block, and above the buttons if the block is not there. */
  #complainAll(errors) {
    const homeless = Object.entries(errors).filter(([blockId, sentence]) => !this.#complain(blockId, sentence));
    this.say(homeless.map(([, sentence]) => sentence).join(" "));
    const first = this.#part("body").querySelector("[aria-invalid]");
    (first?.matches("div") ? firstControl(first) : first)?.focus();
    first?.closest("[data-block-id]").querySelector(".error").scrollIntoView({ block: "nearest" });
  }

  #complain(blockId, sentence) {
    const block = this.#part("body").querySelector(`[data-block-id="${CSS.escape(blockId)}"]`);
    const line = block?.querySelector(".error");
    if (!line) return false;
    line.textContent = sentence;
    block.querySelector("[data-action-id]").toggleAttribute("aria-invalid", false);
    if (sentence) block.querySelector("[data-action-id]").setAttribute("aria-invalid", "true");
    return true;
  }
}

function buttons(view) {
  const sends = view.submit || view.blocks.some((block) => block.type === "input");
  const leave = { type: "button", words: plain(view.close) || (sends ? "Cancel" : "Close") };
  return sends ? [leave, { type: "submit", words: plain(view.submit) || "Submit" }] : [leave];
}
