/** The emails that went out, newest first, and one of them opened. */

import { el, fill, icon } from "./dom.js";
import { keyedList } from "./keyed.js";
import { clock, fullDate } from "./time.js";

// Nothing in a mail may load or run; links open outside of the frame.
const FRAME_HEAD =
  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">" +
  '<base target="_blank">';

/** Make {show(room), unread()}; `changed()` is called when a mail was read, `reply(mail, text)` to answer one. */
export function mailboxView({ list, opened, empty }, changed, reply) {
  const read = new Set();
  let mails = [];
  let current = null;

  const draw = keyedList(list, ({ mail, isRead }) => row(mail, isRead, () => open(mail)));

  const redraw = () => {
    draw(mails.map((mail) => ({ key: mail.id, value: { mail, isRead: read.has(mail.id) } })));
    empty.hidden = mails.length > 0;
    list.hidden = current !== null || mails.length === 0;
    opened.hidden = current === null;
  };

  const open = (mail) => {
    current = mail.id;
    read.add(mail.id);
    redraw();
    const title = el("h3", { tabindex: "-1" }, mail.subject || "(no subject)");
    fill(opened, backButton(close), title, ...letter(mail), replyForm(mail, reply));
    title.focus();
    changed();
  };

  const close = () => {
    const id = current;
    current = null;
    redraw();
    list.querySelector(`[data-mail="${CSS.escape(id)}"]`)?.focus();
  };

  opened.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });

  return {
    show(room) {
      mails = [...room.mails.values()].reverse();
      // A restarted demo has another mailbox.
      if (current !== null && !room.mails.has(current)) current = null;
      redraw();
    },
    unread: () => mails.filter((mail) => !read.has(mail.id)).length,
  };
}

function row(mail, isRead, open) {
  return el(
    "button",
    { class: isRead ? "mail" : "mail unread", type: "button", "data-mail": mail.id, onclick: open },
    el("span", { class: "to" }, mail.to.join(", ")),
    clock(new Date(mail.date)),
    el("span", { class: "subject" }, mail.subject || "(no subject)"),
    !isRead && el("span", { class: "visually-hidden" }, "unread"),
  );
}

function backButton(close) {
  return el("button", { class: "quiet back", type: "button", onclick: close }, icon("back"), "All emails");
}

function letter(mail) {
  const facts = [
    ["From", mail.from],
    ["To", mail.to.join(", ")],
    ["Date", fullDate(new Date(mail.date))],
  ];
  const body = el("div", { class: "letter" });
  const kinds = [mail.html && ["As sent", () => frame(mail)], ["Plain text", () => el("pre", {}, mail.text)]];
  return [
    table(facts),
    el("details", {}, el("summary", {}, "All headers"), table(Object.entries(mail.headers ?? {}))),
    partSwitch(kinds.filter(Boolean), body),
    body,
  ];
}

/** A form in which one answers as the recipient. */
function replyForm(mail, reply) {
  const input = el("textarea", { rows: "3", required: "", "aria-label": `Reply as ${mail.to.join(", ")}` });
  const said = el("p", { role: "status" });
  const send = async (event) => {
    event.preventDefault();
    const { ok } = await reply(mail, input.value);
    if (!ok) return;
    input.value = "";
    said.textContent = "Sent. Look at the card's thread.";
  };
  const button = el("button", { type: "submit" }, "Reply as the evaluator");
  return el("form", { class: "reply", onsubmit: send }, input, button, said);
}

function table(rows) {
  return el(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]),
  );
}

/** Buttons that choose which part of the mail `body` shows; the first is shown at once. */
function partSwitch(kinds, body) {
  const buttons = kinds.map(([name, make]) =>
    el(
      "button",
      { type: "button", "aria-pressed": "false", onclick: ({ currentTarget }) => pick(currentTarget, make) },
      name,
    ),
  );
  const pick = (chosen, make) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    fill(body, make());
  };
  pick(buttons[0], kinds[0][1]);
  return el("div", { class: "switch", role: "group", "aria-label": "Part of the email" }, buttons);
}

function frame(mail) {
  const node = el("iframe", {
    title: `Email: ${mail.subject}`,
    sandbox: "allow-popups allow-popups-to-escape-sandbox",
    referrerpolicy: "no-referrer",
  });
  node.srcdoc = FRAME_HEAD + mail.html;
  return node;
}
