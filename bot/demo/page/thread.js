/** The replies of one message. */

import { el, fill } from "./dom.js";
import { keyedList } from "./keyed.js";
import { messageArticle } from "./message.js";
import { mrkdwn } from "./mrkdwn.js";
import { clock, moment } from "./time.js";

/** Make `show(room, open)`; `open` is {channel, ts} or null. */
export function threadView({ root, list, empty }, does) {
  const draw = keyedList(list, (message, people) => messageArticle(message, { people, does }));

  return (room, open) => {
    const parent = open && room.message(open.channel, open.ts);
    const replies = parent ? room.replies(open.channel, open.ts) : [];
    empty.hidden = Boolean(parent);
    root.hidden = !parent;
    if (parent) fill(root, subject(parent, room), count(room.replyCount(parent)));
    draw(
      replies.map((message) => ({ key: `${message.ephemeral} ${message.ts}`, value: message })),
      room.people,
    );
  };
}

/** The parent in short: its buttons stay where they are, in the channel. */
function subject(parent, room) {
  return el(
    "blockquote",
    { class: "parent" },
    el("p", {}, el("b", {}, room.people.user(parent.user) ?? "Unknown"), " ", clock(moment(parent.ts))),
    el("div", { class: "text" }, mrkdwn(parent.text ?? "", room.people)),
  );
}

function count(replies) {
  return el("p", { class: "count" }, el("span", {}, replies === 1 ? "1 reply" : `${replies} replies`));
}
