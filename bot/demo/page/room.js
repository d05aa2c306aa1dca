/** The workspace as one person sees it: a picture, kept current by events. */

const id = (message) => `${message.channel}/${message.ts}`;
const byKey = (list, key) => new Map(list.map((item) => [key(item), item]));
const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;
const byTime = (one, other) => Number.parseFloat(one.ts) - Number.parseFloat(other.ts);

export class Room {
  constructor(picture) {
    this.team = picture.team;
    this.me = picture.me;
    this.commands = picture.commands ?? [];
    this.shortcuts = picture.shortcuts ?? [];
    this.channels = picture.channels;
    this.people = new People(picture.users, picture.channels);
    this.messages = byKey(picture.messages, id);
    this.ephemerals = byKey(picture.ephemerals, id);
    this.home = picture.home ?? null;
    this.views = byKey(picture.views, (view) => view.id);
    this.mails = byKey(picture.mails ?? [], (mail) => mail.id);
    this.customerSite = picture.customer_site ?? null;
    this.notices = [];
  }

  /** Take in one event; true when it told of something that was not there before. */
  apply(event) {
    const change = CHANGES[event.kind];
    return change ? change(this, event) : false;
  }

  /** The main line of a channel, oldest first; a thread's ephemerals stand here unless that thread is open. */
  timeline(channel, openThread) {
    const here = (message) => message.channel === channel;
    const main = [...this.messages.values()].filter((message) => here(message) && !isReply(message));
    const mine = [...this.ephemerals.values()].filter(
      (message) => here(message) && !(isReply(message) && message.thread_ts === openThread),
    );
    return [...main, ...mine, ...this.notices].sort(byTime);
  }

  /** The replies of a thread, oldest first, with what only this person sees of it. */
  replies(channel, ts) {
    return [...this.messages.values(), ...this.ephemerals.values()]
      .filter((message) => message.channel === channel && isReply(message) && message.thread_ts === ts)
      .sort(byTime);
  }

  message(channel, ts) {
    return this.messages.get(`${channel}/${ts}`);
  }

  replyCount(message) {
    const seen = this.replies(message.channel, message.ts).filter((reply) => !reply.ephemeral).length;
    return Math.max(message.reply_count ?? 0, seen);
  }

  /** The modal on top of this person's stack, if one is open. */
  get topView() {
    return [...this.views.values()].at(-1);
  }

  /** The shortcuts of a type (global or message), as choices of a menu. */
  shortcutsFor(type) {
    return this.shortcuts
      .filter((shortcut) => shortcut.type === type)
      .map(({ name, callback_id }) => ({ label: name, value: callback_id }));
  }

  dismiss(message) {
    this.ephemerals.delete(id(message));
  }
}

/** The names of users and channels. */
class People {
  constructor(users, channels) {
    this.users = byKey(users, (user) => user.id);
    this.channels = byKey(channels, (channel) => channel.id);
  }

  user(userId) {
    const user = this.users.get(userId);
    return user && (user.real_name || user.name);
  }

  channel(channelId) {
    return this.channels.get(channelId)?.name;
  }

  isBot(userId) {
    return Boolean(this.users.get(userId)?.is_bot);
  }

  /** A number that tells this user from the others, for a colour. */
  place(userId) {
    return [...this.users.keys()].indexOf(userId);
  }

  humans() {
    return [...this.users.values()].filter((user) => !user.is_bot);
  }
}

function put(map, key, item) {
  const isNew = !map.has(key);
  map.set(key, item);
  return isNew;
}

const CHANGES = {
  message: (room, { message }) => put(room.messages, id(message), message),
  message_deleted: (room, event) => void room.messages.delete(id(event)),
  ephemeral: (room, { message }) => put(room.ephemerals, id(message), { ...message, ephemeral: true }),
  ephemeral_deleted: (room, event) => void room.ephemerals.delete(id(event)),
  home: (room, { view }) => void (room.home = view),
  view: (room, { view }) => put(room.views, view.id, view),
  view_closed: (room, event) => void room.views.delete(event.id),
  mail: (room, { mail }) => put(room.mails, mail.id, mail),
  notice: (room, { text }) => Boolean(room.notices.push({ ts: String(Date.now() / 1000), notice: text })),
};
