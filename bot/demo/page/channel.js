/** The channel's messages, oldest first, which stay at the newest unless the viewer scrolled away. */

import { el } from "./dom.js";
import { keyedList } from "./keyed.js";
import { messageArticle } from "./message.js";
import { dayName, moment } from "./time.js";

const NEAR_PX = 48;

/** Make `show(room, channel, openThread)`, the only thing that draws into the channel. */
export function channelView({ scroller, list, pill, empty }, does) {
  let missed = 0;
  let known = null;
  let pinned = true;
  let awaitsAnswer = false;

  const toEnd = () => {
    pinned = true;
    missed = 0;
    scroller.scrollTop = scroller.scrollHeight;
    pill.hidden = true;
  };

  scroller.addEventListener("scroll", () => {
    pinned = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
    if (pinned) toEnd();
  });
  pill.addEventListener("click", () => {
    toEnd();
    scroller.focus();
  });
  const observer = new ResizeObserver(() => pinned && toEnd());
  observer.observe(list);
  observer.observe(scroller);

  const find = (ts) => list.querySelector(`article[data-ts="${CSS.escape(ts)}"]`);
  const draw = keyedList(list, (value, people) => render(value, people, does));

  return {
    /** Draw; what is new counts towards the pill while the viewer reads further up. */
    show(room, channel, openThread) {
      const entries = room.timeline(channel, openThread);
      empty.hidden = entries.some((entry) => !entry.notice);
      draw(withDays(entries.map((entry) => item(entry, room))), room.people);
      const stamps = new Set(entries.map((entry) => entry.ts));
      if (known?.room === room) missed += [...stamps].filter((ts) => !known.stamps.has(ts)).length;
      known = { room, stamps };
      if (pinned) return toEnd();
      pill.hidden = missed === 0;
      pill.textContent = `${missed} new`;
    },
    toEnd,
    /** The next message for this person alone answers what they typed: it comes into sight. */
    expectAnswer() {
      awaitsAnswer = true;
      toEnd();
    },
    /** Bring an answer into sight if one is awaited: as a whole if it fits, else from its start. */
    answered(ts) {
      const article = awaitsAnswer && find(ts);
      if (!article) return;
      awaitsAnswer = false;
      if (article.offsetHeight <= scroller.clientHeight) return toEnd();
      pinned = false;
      article.scrollIntoView({ block: "start" });
    },
    /** Bring a message into sight and point at it; false when it is not here. */
    jumpTo(ts) {
      const article = find(ts);
      if (!article) return false;
      pinned = false;
      article.tabIndex = -1;
      article.focus({ preventScroll: true });
      article.scrollIntoView({ block: "center" });
      article.classList.remove("pointed-at");
      // Reading the layout lets the animation start again.
      article.classList.toggle("pointed-at", article.offsetHeight > 0);
      return true;
    },
  };
}

function item(entry, room) {
  if (entry.notice) return { key: `notice ${entry.ts}`, value: { notice: entry.notice, ts: entry.ts } };
  const value = { message: entry, replies: room.replyCount(entry), ts: entry.ts };
  return { key: `${entry.ephemeral ? "ephemeral" : "message"} ${entry.ts}`, value };
}

function withDays(items) {
  let day = null;
  return items.flatMap((entry) => {
    const name = dayName(moment(entry.value.ts));
    if (name === day) return [entry];
    day = name;
    return [{ key: `day ${name}`, value: { day: name } }, entry];
  });
}

function render({ day, notice, message, replies }, people, does) {
  if (day) return el("h2", { class: "day" }, el("span", {}, day));
  if (notice) return el("p", { class: "notice" }, notice);
  return messageArticle(message, { people, replies, does });
}
