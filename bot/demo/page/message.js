/** One message: who, when, and what it says. */

import { renderBlock } from "./blocks.js";
import { el, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { openMenu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { clock, moment } from "./time.js";

const HUES = 6;

/**
 * The article of a message. `does` is what can be done with it: press(message, block, element, answer),
 * dismiss(message), useShortcut(message, id) for one of shortcuts(), and openThread(message) where threads open from;
 * `replies` is how many it has.
 */
export function messageArticle(message, { people, replies = 0, does }) {
  const { channel, ts, user, ephemeral } = message;
  const author = people.user(user) ?? "Unknown";
  const bot = people.isBot(user);
  const article = el(
    "article",
    { class: "message", "data-ts": ts, "data-channel": channel, "aria-label": `${author}: ${summary(message)}` },
    avatar(people, user),
    el(
      "div",
      { class: "said" },
      el("header", {}, el("b", {}, author), bot && el("span", { class: "app" }, "App"), clock(moment(ts)), !ephemeral && shortcutsButton(message, does)),
      ephemeral && onlyYou(message, does),
      content(message, people, does),
      reactions(message),
      replies > 0 && does.openThread && threadButton(message, replies, does),
    ),
  );
  article.classList.toggle("ephemeral", Boolean(ephemeral));
  return article;
}

function shortcutsButton(message, does) {
  if (!does.shortcuts?.().length) return null;
  const choose = (value) => does.useShortcut(message, value);
  return el(
    "button",
    {
      class: "icon-button shortcuts",
      type: "button",
      "aria-label": "Message shortcuts",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      onclick: ({ currentTarget: node }) => openMenu(node, does.shortcuts(), choose),
    },
    icon("more"),
  );
}

/** What a message says in one line, for those who do not see it. */
export function summary(message) {
  const text = el("span", {}, mrkdwn(message.text ?? "", NAMELESS)).textContent;
  return text.length > 140 ? `${text.slice(0, 139)}…` : text;
}

const NAMELESS = { user: () => undefined, channel: () => undefined };

/** A square with the initial of a person, or the mark of the app. */
export function avatar(people, user) {
  if (people.isBot(user)) return el("span", { class: "avatar bot", "aria-hidden": "true" }, icon("mark"));
  const initial = [...(people.user(user) ?? "?")][0].toUpperCase();
  return el("span", { class: `avatar hue-${(people.place(user) + HUES) % HUES}`, "aria-hidden": "true" }, initial);
}

function content(message, people, does) {
  if (message.deleted) return el("p", { class: "unsupported" }, "This message was deleted.");
  const edited = message.edited && el("span", { class: "edited" }, "(edited)");
  if (!message.blocks?.length) return el("div", { class: "text" }, mrkdwn(message.text ?? "", people), " ", edited);
  const surface = {
    people,
    press: (block, part, answer) => does.press(message, block, part, answer),
    typed: () => undefined,
    type: () => {},
  };
  const blocks = message.blocks.map((block) => renderBlock(block, surface));
  const framed = message.blocks.some((block) => ["header", "actions"].includes(block.type));
  return el("div", { class: framed ? "blocks card" : "blocks" }, blocks, edited);
}

function reactions({ reactions: given }) {
  if (!given?.length) return null;
  const chip = ({ name, count }) => el("li", { "aria-label": `${name}: ${count}` }, emoji(name), ` ${count}`);
  return el("ul", { class: "reactions", "aria-label": "Reactions" }, given.map(chip));
}

function onlyYou(message, does) {
  const close = { class: "quiet", type: "button", onclick: () => does.dismiss(message) };
  return el("p", { class: "only-you" }, icon("eye"), "Only visible to you", el("button", close, "Dismiss"));
}

function threadButton(message, replies, does) {
  const words = replies === 1 ? "1 reply" : `${replies} replies`;
  return el(
    "button",
    { class: "replies", type: "button", onclick: () => does.openThread(message) },
    icon("thread"),
    words,
  );
}
