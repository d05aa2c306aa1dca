/** The line at the bottom, which takes slash commands and messages, and the menu of shortcuts. */

import { whileBusy } from "./dom.js";
import { openMenu } from "./menu.js";
import { Suggestions } from "./suggestions.js";

const WORDS = {
  today: "Trials that started or arrived today",
  yesterday: "The same for yesterday",
  week: "The last seven days",
  mine: "Running trials that you own",
  unowned: "Running trials that nobody owns",
  expiring: "Trials that end within 7 days",
  find: "A customer, by name, site or number: find north",
  report: "How many trials were bought",
  dnc: "Who must not be contacted",
  health: "How the bot is doing",
  help: "What the bot can do",
};

/** Make `offer(commands)`; `send(text)` resolves to true when the text was taken, `shortcuts` are a menu's choices. */
export function composer({ form, input, list, opener }, { send, shortcuts, useShortcut }) {
  const suggestions = new Suggestions(input, list);
  opener.addEventListener("click", () => openMenu(opener, shortcuts(), useShortcut));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value.trim();
    suggestions.hide();
    if (text) whileBusy(form, () => take(text));
  });

  const take = async (text) => {
    if ((await send(text)) && input.value.trim() === text) input.value = "";
  };

  return (commands) => suggestions.offer(commands.flatMap(spelledOut));
}

/** The ways to use a command that its hint names, e.g. "today | help". */
function spelledOut({ command, hint }) {
  const words = (hint ?? "").match(/[a-z]+/g) ?? [];
  return [...new Set([...words, "help"])].map((word) => ({ text: `${command} ${word}`, about: WORDS[word] ?? "" }));
}
