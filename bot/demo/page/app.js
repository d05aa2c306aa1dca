/** The page put together: one room, the parts that draw it, and what a person does sent to the server. */

import { channelView } from "./channel.js";
import { composer } from "./composer.js";
import { el, fill } from "./dom.js";
import { emoji } from "./emoji.js";
import { offerSecondWindow, showActors } from "./header.js";
import { hints } from "./hints.js";
import { homeView } from "./home.js";
import { mailboxView } from "./mailbox.js";
import { summary } from "./message.js";
import { Modal } from "./modal.js";
import { plain } from "./mrkdwn.js";
import { Panel } from "./panel.js";
import { Room } from "./room.js";
import { follow, post } from "./server.js";
import { threadView } from "./thread.js";
import { toast } from "./toast.js";

const REACT = "react:";
/** The reactions that the bot understands, as choices of a message's menu. */
const REACTIONS = ["eyes", "white_check_mark", "no_bell"].map((name) => ({ label: `React with ${emoji(name)}`, value: `${REACT}${name}` }));

const FIRST_ACTOR = "U0ANA";
const SLOW_START_MS = 600;
const ANNOUNCED_MS = 1000;

const $ = (id) => document.getElementById(id);

// Each window has its own actor, so that two windows can race.
let me = new URLSearchParams(location.search).get("as") ?? sessionStorage.getItem("actor") ?? FIRST_ACTOR;
let room = null;
let channel = null;
let thread = null;
let unfollow = () => {};
let silence;

const tick = hints($("hints"), $("show-hints"));

const does = {
  press: async (message, block, part, answer) => {
    const { channel, ts } = message;
    const told = await tell("press", { channel, ts, block_id: block.block_id, action_id: part.action_id, ...answer });
    if (told.ok && part.text?.text === "Claim") tick("decide");
    if (told.ok && part.text?.text === "Show…") tick("reason");
    return told;
  },
  dismiss: (message) => {
    room.dismiss(message);
    draw();
  },
  shortcuts: () => [...room.shortcutsFor("message"), ...REACTIONS],
  useShortcut: ({ ts }, value) =>
    value.startsWith(REACT) ? tell("react", { name: value.slice(REACT.length), ts }) : tell("shortcut", { callback_id: value, ts }),
};

const modal = new Modal($("modal"), {
  press: (view, state, block, part, answer) =>
    tell("press", { view_id: view.id, block_id: block.block_id, action_id: part.action_id, ...answer, state }),
  submit: async (view, state) => {
    const answer = await post("submit", { user: me, view_id: view.id, state });
    if (answer.ok && plain(view.title).startsWith("Do not contact")) tick("decide");
    return answer;
  },
  close: (view) => {
    room.apply({ kind: "view_closed", id: view.id });
    draw();
    tell("close", { view_id: view.id });
  },
});

const panel = new Panel($("panel"), [$("top"), $("main")], () => {
  thread = null;
  draw();
});

const channelPart = channelView(
  { scroller: $("scroller"), list: $("messages"), pill: $("new-messages"), empty: $("no-messages") },
  { ...does, openThread },
);
const showThread = threadView({ root: $("thread-root"), list: $("thread-replies"), empty: $("no-thread") }, does);
const mailbox = mailboxView({ list: $("mails"), opened: $("opened-mail"), empty: $("no-mail") }, drawUnread, async (mail, text) => {
  const answer = await tell("reply", { id: mail.id, text });
  if (answer.ok) tick("reply");
  return answer;
});
const offerCommands = composer(
  { form: $("composer"), input: $("command"), list: $("suggestions"), opener: $("shortcuts") },
  {
    send: async (text) => {
      const isCommand = text.startsWith("/");
      channelPart.expectAnswer();
      const { ok } = await tell(isCommand ? "command" : "say", { channel, text });
      if (ok && isCommand) tick("command");
      return ok;
    },
    shortcuts: () => room.shortcutsFor("global"),
    useShortcut: (callback_id) => tell("shortcut", { callback_id }),
  },
);

const showHome = homeView(
  { toggle: $("show-home"), tab: $("home"), covered: [$("stage"), $("composer")] },
  {
    open: () => {
      tick("home");
      return tell("home", {});
    },
    press: (view, block, part, answer) =>
      tell("press", { view_id: view.id, block_id: block.block_id, action_id: part.action_id, ...answer, state: {} }),
  },
);

/** Send what the person did; a refusal is shown where they look. */
async function tell(path, body) {
  const answer = await post(path, { user: me, ...body });
  if (answer.ok) return answer;
  if (modal.isOpen) modal.say(answer.error);
  else toast($("alerts"), answer.error);
  return answer;
}

function openThread(message) {
  thread = { channel: message.channel, ts: message.ts };
  draw();
  panel.open("thread");
}

function draw() {
  channelPart.show(room, channel, thread?.ts);
  showThread(room, thread);
  modal.show(room.topView, room.people);
  showHome(room.home, room.people);
  mailbox.show(room);
  if (room.mails.size > 0) tick("email");
  drawUnread();
}

function drawUnread() {
  const unread = mailbox.unread();
  for (const badge of document.querySelectorAll(".unread-mails")) {
    fill(badge, unread > 0 && [String(unread), el("span", { class: "visually-hidden" }, " unread")]);
  }
}

function drawChannels() {
  const tab = ({ id, name }) =>
    el(
      "button",
      { type: "button", "aria-current": id === channel ? "page" : null, onclick: () => enter(id) },
      `# ${name}`,
    );
  $("channels").hidden = room.channels.length < 2;
  $("channel-name").hidden = room.channels.length > 1;
  $("channel-name").textContent = `# ${room.people.channel(channel)}`;
  fill($("channels"), room.channels.map(tab));
}

function enter(id) {
  channel = id;
  drawChannels();
  draw();
  channelPart.toEnd();
}

function onPicture(picture) {
  room = new Room(picture);
  $("team").textContent = room.team.name;
  showActors($("actors"), room.people, me, actAs);
  offerSecondWindow($("second-window"), room.people, me);
  if (room.customerSite) $("customer-site").href = room.customerSite;
  offerCommands(room.commands);
  if (!room.people.channel(channel)) channel = room.channels[0].id;
  drawChannels();
  draw();
}

function onEvent(event) {
  const isNew = room.apply(event);
  draw();
  if (isNew && event.kind === "ephemeral") channelPart.answered(event.message.ts);
  if (/unsubscribed/i.test(JSON.stringify(event.message?.blocks ?? ""))) tick("unsubscribe");
  if (isNew) announce(event);
}

function announce({ kind, message, mail, text }) {
  const words = {
    message: () => `${room.people.user(message.user)}: ${summary(message)}`,
    ephemeral: () => `Only visible to you: ${summary(message)}`,
    mail: () => `Email sent: ${mail.subject}`,
    notice: () => text,
  };
  if (!words[kind]) return;
  $("announcements").textContent = words[kind]();
  // Said once; who walks through the page does not meet it again.
  clearTimeout(silence);
  silence = setTimeout(() => ($("announcements").textContent = ""), ANNOUNCED_MS);
}

function onLink(state) {
  clearTimeout(slowStart);
  $("link").hidden = state === "up";
  $("link").textContent = "Connection lost. Is `make demo` still running? Trying again…";
}

const slowStart = setTimeout(() => ($("link").hidden = false), SLOW_START_MS);

function actAs(user) {
  me = user;
  sessionStorage.setItem("actor", user);
  unfollow();
  unfollow = follow(user, { onPicture, onEvent, onLink, onStranger: () => user !== FIRST_ACTOR && actAs(FIRST_ACTOR) });
}

/** A link to a message of this workspace leads to that message. */
function jump(event) {
  const href = event.target.closest?.("a[href]")?.href ?? "";
  const [, where, digits] = href.match(/\/archives\/(\w+)\/p(\d{16})(?:\?|$)/) ?? [];
  if (!room?.people.channel(where)) return;
  event.preventDefault();
  if (where !== channel) enter(where);
  if (!channelPart.jumpTo(`${digits.slice(0, 10)}.${digits.slice(10)}`))
    toast($("alerts"), "This message is no longer there.");
}

document.addEventListener("click", jump);
$("second-window").addEventListener("click", () => tick("race"));
$("customer-site").addEventListener("click", () => tick("app"));
$("show-mail").addEventListener("click", () => panel.open("mailbox"));
actAs(me);
