/** Slack's rich_text block as DOM nodes. */

import { el, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { broadcast, mention } from "./mrkdwn.js";
import { formatted } from "./time.js";

const STYLES = { code: "code", bold: "strong", italic: "em", strike: "s" };

const PARTS = {
  rich_text_section: (part, people) => el("p", {}, spans(part, people)),
  rich_text_quote: (part, people) => el("blockquote", {}, spans(part, people)),
  rich_text_preformatted: (part, people) => el("pre", {}, spans(part, people)),
  rich_text_list: (part, people) =>
    el(
      part.style === "ordered" ? "ol" : "ul",
      {},
      part.elements.map((item) => el("li", {}, spans(item, people))),
    ),
};

const SPANS = {
  text: (span) => span.text,
  link: (span) => link(span.url, span.text ?? span.url),
  emoji: (span) => emoji(span.name) ?? `:${span.name}:`,
  user: (span, people) => mention(`@${people.user(span.user_id) ?? span.user_id}`),
  channel: (span, people) => mention(`#${people.channel(span.channel_id) ?? span.channel_id}`),
  broadcast: (span) => broadcast(`@${span.range}`),
  date: (span) => formatted(new Date(span.timestamp * 1000), span.format),
};

/** The nodes of a rich_text block; parts it does not know are left out. */
export function richText(block, people) {
  return (block.elements ?? []).map((part) => PARTS[part.type]?.(part, people));
}

function spans(part, people) {
  return (part.elements ?? []).map((span) => {
    const content = SPANS[span.type]?.(span, people) ?? "";
    return Object.entries(STYLES)
      .filter(([style]) => span.style?.[style])
      .reduce((inner, [, tag]) => el(tag, {}, inner), content);
  });
}
