/** The line at the top: who acts. */

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

/** Offer a second window in which somebody else acts, for races between people. */
export function offerSecondWindow(link, people, me) {
  const other = people.humans().find((user) => user.id !== me);
  if (!other) return;
  link.href = `/?as=${encodeURIComponent(other.id)}`;
  link.textContent = `a second window as ${other.real_name || other.name}`;
}
