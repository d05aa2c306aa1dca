"""The methods that read the workspace: conversations.*, users.*, usergroups.*, team.info, auth.test."""

from bot.demo.fake_slack.methods import Method, needed, number, own_channel, truth
from bot.demo.fake_slack.models import APP, BOT, BOT_USER, TEAM, Json, Message, Refusal
from bot.demo.fake_slack.rate_limits import TIER_2, TIER_3
from bot.demo.fake_slack.state import SlackState

MOST_A_PAGE = 999


def auth_test(memory: SlackState, _args: Json) -> Json:
    """Say who the token is."""
    return {
        "url": "https://demo-vendor.slack.test/",
        "team": "Demo Vendor",
        "user": memory.users[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def bot(memory: SlackState, args: Json) -> Json:
    """Return the bot, with the app it belongs to."""
    if needed(args, "bot") != BOT:
        raise Refusal("bot_not_found")
    return {"bot": {"id": BOT, "app_id": APP, "user_id": BOT_USER, "name": memory.users[BOT_USER].name}}


def channel(memory: SlackState, args: Json) -> Json:
    """Return one channel; a private one only to its members."""
    found = memory.channel(needed(args, "channel"))
    if found.scopes != "channels" and not found.bot_is_member:
        raise Refusal("channel_not_found")
    return {"channel": found.wire()}


def members(memory: SlackState, args: Json) -> Json:
    """Return who is in a channel, on one page or more."""
    found = own_channel(memory, needed(args, "channel"))
    everybody = [user for user in memory.users if user not in found.strangers]
    limit, start = number(args, "limit", default=100), int(args.get("cursor") or 0)
    more = start + limit < len(everybody)
    cursor = str(start + limit) if more else ""
    return {"members": everybody[start : start + limit], "response_metadata": {"next_cursor": cursor}}


def history(memory: SlackState, args: Json) -> Json:
    """Return the messages of a channel without replies, newest first."""
    found = own_channel(memory, needed(args, "channel"))
    seen = [m for m in memory.messages() if m.channel == found.id and not m.only_for and not m.thread_ts]
    return _page(seen[::-1], args, default=100)


def replies(memory: SlackState, args: Json) -> Json:
    """Return a thread: its first message, then the replies, oldest first."""
    found = own_channel(memory, needed(args, "channel"))
    ts = needed(args, "ts")
    if memory.message(found.id, ts) is None:
        raise Refusal("thread_not_found")
    thread = [m for m in memory.messages() if m.channel == found.id and ts in (m.ts, m.thread_ts) and not m.only_for]
    return _page(thread, args, default=1000)


def open_direct(memory: SlackState, args: Json) -> Json:
    """Open the direct message with one user."""
    return {"channel": {"id": memory.direct(needed(args, "users")).id}, "no_op": True, "already_open": True}


def user(memory: SlackState, args: Json) -> Json:
    """Return one user."""
    found = memory.users.get(needed(args, "user"))
    if found is None:
        raise Refusal("user_not_found")
    return {"user": found.wire(with_email=memory.shows_email)}


def users(memory: SlackState, _args: Json) -> Json:
    """Return all users on one page."""
    members = [member.wire(with_email=memory.shows_email) for member in memory.users.values()]
    return {"members": members, "response_metadata": {"next_cursor": ""}}


def group(memory: SlackState, args: Json) -> Json:
    """Return the members of a user group."""
    name = needed(args, "usergroup")
    if name not in memory.groups:
        raise Refusal("no_such_subteam")
    return {"users": memory.groups[name]}


def team(_memory: SlackState, _args: Json) -> Json:
    """Return the team."""
    return {"team": {"id": TEAM, "name": "Demo Vendor", "domain": "demo-vendor"}}


METHODS = {
    "auth.test": Method(auth_test, rate=None),
    "bots.info": Method(bot, "users:read", TIER_3),
    "conversations.info": Method(channel, ":read", TIER_3),
    "conversations.members": Method(members, ":read"),
    "conversations.history": Method(history, ":history", TIER_3),
    "conversations.replies": Method(replies, ":history", TIER_3),
    "conversations.open": Method(open_direct, "im:write", TIER_3),
    "users.info": Method(user, "users:read"),
    "users.list": Method(users, "users:read", TIER_2),
    "usergroups.users.list": Method(group, "usergroups:read", TIER_2),
    "team.info": Method(team, "team:read", TIER_3),
}


def _page(messages: list[Message], args: Json, *, default: int) -> Json:
    oldest, latest = (float(args.get(name) or edge) for name, edge in (("oldest", "0"), ("latest", "inf")))
    edges = (oldest, latest) if truth(args, "inclusive") else ()
    between = [m for m in messages if oldest < float(m.ts) < latest or float(m.ts) in edges]
    limit = min(number(args, "limit", default), MOST_A_PAGE)
    start = _place(args.get("cursor"), between)
    page, rest = between[start : start + limit], between[start + limit :]
    with_metadata = truth(args, "include_all_metadata")
    answer: Json = {"messages": [m.wire(with_metadata=with_metadata) for m in page], "has_more": bool(rest)}
    if rest:
        answer["response_metadata"] = {"next_cursor": f"next_ts:{rest[0].ts}"}
    return answer


def _place(cursor: object, messages: list[Message]) -> int:
    if not cursor:
        return 0
    for place, message in enumerate(messages):
        if cursor == f"next_ts:{message.ts}":
            return place
    raise Refusal("invalid_cursor")
