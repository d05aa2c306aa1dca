/** Slack's message markup as DOM nodes. */

import { el, link, safeUrl } from "./dom.js";
import { emoji, withEmoji } from "./emoji.js";
import { formatted } from "./time.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const BROADCASTS = ["channel", "here", "everyone"];

const INLINE = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<token>[^<>\\n]+)>",
    ":(?<emoji>[a-z0-9_+-]+):",
    "(?<url>https?://[^\\s<>|]*[^\\s<>|.,;:!?)\\]'\"*_~])",
    styled("\\*", "bold"),
    styled("_", "italic"),
    styled("~", "strike"),
  ].join("|"),
  "gu",
);

/** A run between two marks that stand at the edges of words; it may hold whole tokens. */
function styled(mark, name) {
  const inside = `(?:<[^<>\\n]*>|<(?![^<>\\n]*>)|[^${mark}\\n<])+?`;
  return `(?<![\\p{L}\\p{N}${mark}])${mark}(?!\\s)(?<${name}>${inside})(?<!\\s)${mark}(?![\\p{L}\\p{N}${mark}])`;
}

/** Slack escapes three characters, and reads no token out of what was escaped. */
function decode(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

/** The nodes of a text object: mrkdwn is read as markup, plain_text is shown as it stands. */
export function textObject(text, people) {
  if (!text) return [];
  if (text.type === "mrkdwn") return mrkdwn(text.text, people, { verbatim: text.verbatim });
  return [plain(text)];
}

/** A plain_text object as a string. */
export function plain(text) {
  if (!text) return "";
  return text.emoji === false ? text.text : withEmoji(text.text);
}

/** The nodes of a mrkdwn text. `people` has the names of those it mentions; bare addresses become links unless `verbatim`. */
export function mrkdwn(text, people, { verbatim = false } = {}) {
  const names = { user: (id) => people.user(id), channel: (id) => people.channel(id), verbatim };
  const nodes = [];
  // Odd parts stood between two fences.
  text.split(/```\n?([\s\S]+?)```\n?/).forEach((part, index) => {
    if (index % 2) nodes.push(el("pre", {}, decode(part)));
    else if (part) nodes.push(...lines(part, names));
  });
  return nodes;
}

function lines(text, names) {
  const nodes = [];
  for (const [run, quote] of text.matchAll(/((?:^(?:>|&gt;).*(?:\n|$))+)|(?:^(?!>|&gt;).*(?:\n|$))+/gm)) {
    if (quote === undefined) nodes.push(...inline(run, names));
    else nodes.push(el("blockquote", {}, inline(quote.trimEnd().replace(/^(?:>|&gt;) ?/gm, ""), names)));
  }
  return nodes;
}

function inline(text, names) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    nodes.push(decode(text.slice(end, found.index)), piece(found[0], found.groups, names));
    end = found.index + found[0].length;
  }
  nodes.push(decode(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function piece(whole, groups, names) {
  if (groups.code !== undefined) return el("code", {}, decode(groups.code));
  if (groups.token !== undefined) return token(groups.token, names);
  if (groups.emoji !== undefined) return emoji(groups.emoji) ?? whole;
  if (groups.url !== undefined) return names.verbatim ? decode(whole) : link(decode(whole));
  if (groups.bold !== undefined) return el("strong", {}, inline(groups.bold, names));
  if (groups.italic !== undefined) return el("em", {}, inline(groups.italic, names));
  return el("s", {}, inline(groups.strike, names));
}

function token(body, names) {
  const cut = body.indexOf("|");
  const target = cut < 0 ? body : body.slice(0, cut);
  const label = cut < 0 ? null : decode(body.slice(cut + 1));
  if (target.startsWith("@")) return mention(`@${names.user(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("#")) return mention(`#${names.channel(target.slice(1)) ?? label ?? target.slice(1)}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return broadcast(label ?? "@group");
  if (target.startsWith("!") && BROADCASTS.includes(target.slice(1))) return broadcast(`@${target.slice(1)}`);
  const address = decode(target);
  return safeUrl(address) === null ? decode(`<${body}>`) : link(address, withEmoji(label ?? address));
}

export function mention(name) {
  return el("span", { class: "mention" }, name);
}

/** A mention that would ring for everybody; it stands out, so that one nobody meant is seen. */
export function broadcast(name) {
  return el("span", { class: "mention broadcast" }, name);
}

function date(target, fallback) {
  const [, seconds, format, address] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (!format || Number.isNaN(at.getTime())) return fallback ?? target;
  const time = el("time", { datetime: at.toISOString() }, formatted(at, format));
  return address ? link(decode(address), time) : time;
}
