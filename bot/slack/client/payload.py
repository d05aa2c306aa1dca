"""Slack's interaction payloads, reduced to the one shape that Bolt and the listeners rely on.

Slack sends explicit nulls, omits keys, and has kinds of interaction that have no listener here. A payload may contain
anything else too. Values that do not fit are dropped before Bolt sees them.
"""

import json
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Final

from bot.slack import ids

Json = dict[str, Any]
Reader = Callable[[object], Any]
"""Returns the value that it read, or None for a value that does not fit."""

_LARGEST_ID: Final = 2**63 - 1
"""The largest id that a database column can hold."""
_NOBODY_WAITS: Final = frozenset(
    {"event_callback", "app_rate_limited", "view_closed", "block_suggestion", "dialog_suggestion"}
    | {"dialog_cancellation", "workflow_step_execute"}
)
EVENTS: Final = ("app_home_opened", "app_mention", "user_change", "reaction_added")
"""The events that are listened to; `manifest.yml` subscribes to them."""
_HANDSHAKES: Final = ("url_verification", "ssl_check")


def read_id(text: object) -> int | None:
    """Return the row id in a text, or None for a text that cannot be one."""
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()) or len(text) > len(str(_LARGEST_ID)):
        return None
    number = int(text)
    return number if 0 < number <= _LARGEST_ID else None


def was_acknowledged(status: int, body: str) -> bool:
    """Return whether a response URL accepted a message: the body is `ok`, or its JSON equivalent; status 200 alone
    means nothing.
    """
    if status != HTTPStatus.OK:
        return False
    if body.strip() == "ok":
        return True
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("ok") is True


def normalize(payload: object) -> Json:
    """Return a payload reduced to the fields that are read, each value of the expected type.

    An interaction without a listener becomes a press on `ids.UNKNOWN` with its kind as the value, so that it is
    answered too.
    """
    body: Json = _payload(payload) or {}
    if _is_listened_to(body) or body.get("type") in _HANDSHAKES or "ssl_check" in body:
        return body
    kind = body.get("type", "")
    rest = {name: value for name, value in body.items() if name not in {"command", "view"}}
    return {**rest, "type": "block_actions", "actions": [{"action_id": ids.UNKNOWN, "value": kind}]}


def expects_answer(kind: str) -> bool:
    """Return whether a person expects an answer to this kind of interaction."""
    return kind not in _NOBODY_WAITS


def _is_listened_to(body: Mapping[str, Any]) -> bool:
    if "command" in body:
        return "user_id" in body
    is_event = body.get("type") == "event_callback"
    if not is_event and ("user" not in body or not _is_ours(body)):
        return False
    match body.get("type"):
        case "event_callback":
            return body.get("event", {}).get("type") in EVENTS
        case "block_actions" | "view_submission" as kind:
            return ("actions" if kind == "block_actions" else "view") in body
        case "shortcut" | "message_action":
            return body.get("callback_id") in set(ids.Shortcut)
        case _:
            return False


def _is_ours(body: Mapping[str, Any]) -> bool:
    """Return False if the payload names another app as the author of the message or the modal.

    A shortcut may be used on any message.
    """
    if body.get("type") == "message_action":
        return True
    app = body.get("api_app_id")
    authors = {body.get(place, {}).get("app_id", app) for place in ("message", "view")}
    return app is None or authors == {app}


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    # PostgreSQL cannot store NUL, and UTF-8 cannot encode lone surrogates.
    return value.replace("\0", "").encode("utf-8", "replace").decode()


def _word(value: object) -> str | None:
    return _text(value) or None


def _scalar(value: object) -> str | int | None:
    return value if isinstance(value, int) else _text(value)


def _modal(value: object) -> str | None:
    return "modal" if value == "modal" else None


def _record(needs: Collection[str] = (), /, **fields: Reader) -> Reader:
    """Return a reader of objects with these fields. An object that lacks one of `needs` does not fit."""

    def read(value: object) -> Json | None:
        if not isinstance(value, dict):
            return None
        found = {name: got for name, reader in fields.items() if (got := reader(value.get(name))) is not None}
        return found if found.keys() >= set(needs) else None

    return read


def _each(reader: Reader) -> Reader:
    """Return a reader of lists that have at least one fitting value."""

    def read(value: object) -> list[Any] | None:
        if not isinstance(value, list):
            return None
        return [got for each in value if (got := reader(each)) is not None] or None

    return read


def _by_name(reader: Reader) -> Reader:
    """Return a reader of objects whose keys the sender chooses."""

    def read(value: object) -> Json | None:
        if not isinstance(value, dict):
            return None
        return {_text(name) or "": got for name, each in value.items() if (got := reader(each)) is not None}

    return read


_option: Final = _record(("value",), value=_text, text=_record(type=_text, text=_text))
_input: Final = _record(
    type=_text,
    value=_text,
    selected_user=_word,
    selected_option=_option,
    selected_date=_word,
    selected_date_time=_scalar,
)
_action: Final = _record(
    ("action_id",), action_id=_word, block_id=_word, type=_text, value=_text, selected_option=_option, action_ts=_word
)
_view: Final = _record(
    ("id", "type", "callback_id"),
    id=_word,
    type=_modal,
    callback_id=_text,
    private_metadata=_text,
    hash=_word,
    app_id=_word,
    team_id=_word,
    state=_record(values=_by_name(_by_name(_input))),
)
_message: Final = _record(
    ts=_word,
    thread_ts=_word,
    text=_text,
    app_id=_word,
    metadata=_record(("event_type",), event_type=_text, event_payload=_by_name(_scalar)),
)
_event: Final = _record(
    ("type", "user"),
    type=_word,
    user=_word,
    tab=_word,
    channel=_word,
    ts=_word,
    thread_ts=_word,
    text=_text,
    bot_id=_word,
    reaction=_word,
    item=_record(type=_word, channel=_word, ts=_word),
)
_changed_user: Final = _record(
    ("type", "user"), type=_word, user=_record(("id",), id=_word, deleted=_scalar)
)  # the only event that names a person by an object


def _any_event(value: object) -> Json | None:
    is_change = isinstance(value, dict) and value.get("type") == "user_change"
    found: Json | None = (_changed_user if is_change else _event)(value)
    return found


# docs.slack.dev/reference/interaction-payloads; the fields of a command are docs.slack.dev/interactivity
_payload: Final = _record(
    type=_word,
    api_app_id=_word,
    team=_record(id=_word, domain=_text, enterprise_id=_word),
    enterprise=_record(id=_word),
    is_enterprise_install=_scalar,
    user=_record(("id",), id=_word, team_id=_word),
    channel=_record(("id",), id=_word, name=_text),
    container=_record(
        type=_text, message_ts=_word, thread_ts=_word, channel_id=_word, view_id=_word, is_ephemeral=_scalar
    ),
    message=_message,
    view=_view,
    actions=_each(_action),
    callback_id=_word,
    event=_any_event,
    event_id=_word,
    trigger_id=_word,
    response_url=_word,
    command=_word,
    text=_text,
    user_id=_word,
    channel_id=_word,
    team_id=_word,
    enterprise_id=_word,
    challenge=_text,
    ssl_check=_word,
    token=_word,
)
