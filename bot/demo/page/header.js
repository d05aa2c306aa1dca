/** The line at the top: who acts, and what there is to try. */

import { el, fill } from "./dom.js";
import { avatar } from "./message.js";

/** Draw the switch between the people of the workspace; `change(userId)` is called when another acts. */
export function showActors(node, people, me, change) {
  const choice = (user) => {
    const name = user.real_name || user.name;
    const input = el("input", {
      type: "radio",
      name: "actor",
      value: user.id,
      checked: user.id === me,
      onchange: () => change(user.id),
    });
    return el("label", { title: `Act as ${name}` }, input, avatar(people, user.id), el("span", {}, name));
  };
  const focused = node.contains(document.activeElement);
  fill(node, people.humans().map(choice));
  if (focused) node.querySelector(":checked")?.focus();
}

/** The hints stay away once dismissed, until they are asked for again; narrow screens start without. */
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
}

/** Offer a second window in which somebody else acts, for races between people. */
export function offerSecondWindow(link, people, me) {
  const other = people.humans().find((user) => user.id !== me);
  if (!other) return;
  link.href = `/?as=${encodeURIComponent(other.id)}`;
  link.textContent = `a second window as ${other.real_name || other.name}`;
}
