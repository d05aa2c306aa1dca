/** The question that Slack asks before an action that carries a `confirm` object. */

import { el, freshId } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

/** Ask; true when the person confirmed. Without a question the answer is yes. */
export function confirmed(question, people) {
  if (!question) return Promise.resolve(true);
  const title = freshId("confirm");
  const yes = question.style === "danger" ? "button danger" : "button primary";
  const dialog = el(
    "dialog",
    { class: "confirm", role: "alertdialog", "aria-labelledby": title },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: title }, plain(question.title)),
      el("div", { class: "text" }, textObject(question.text, people)),
      el(
        "footer",
        {},
        el("button", { class: "button", value: "no", autofocus: true }, plain(question.deny) || "Cancel"),
        el("button", { class: yes, value: "yes" }, plain(question.confirm) || "OK"),
      ),
    ),
  );
  const opener = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      opener?.focus();
      resolve(dialog.returnValue === "yes");
    });
  });
}
