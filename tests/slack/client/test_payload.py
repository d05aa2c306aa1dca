"""Payloads come out in one shape, whatever came in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_internals import build_async_context

from bot.slack import ids
from bot.slack.client.payload import normalize, read_id, was_acknowledged

NAMES = (
    "type",
    "user",
    "team",
    "view",
    "actions",
    "event",
    "authorizations",
    "response_urls",
    "command",
    "id",
    "state",
)
TYPES = ("block_actions", "view_submission", "event_callback", "interactive_message", "dialog_submission")
LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(TYPES)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner)
)
PRESS: dict[str, Any] = {
    "type": "block_actions",
    "api_app_id": "A1",
    "user": {"id": "U1", "team_id": "T1"},
    "channel": {"id": "C1", "name": "evaluators"},
    "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
    "message": {"ts": "1.2", "app_id": "A1", "metadata": {"event_type": "card", "event_payload": {"evaluation": 7}}},
    "actions": [{"action_id": "evaluation.claim", "block_id": "b", "value": "7", "type": "button"}],
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.test/1",
}


def unknown(kind: str) -> list[dict[str, str]]:
    return [{"action_id": ids.UNKNOWN, "value": kind}]


@given(payload=JSON | st.dictionaries(st.sampled_from(NAMES), JSON))
def test_bolt_can_take_whatever_comes(payload: object) -> None:
    found = normalize(payload)
    build_async_context(AsyncBoltContext({}), found)
    is_taken = "command" in found or "actions" in found or "view" in found or "ssl_check" in found
    assert is_taken or found.get("type") == "url_verification"


def test_what_fits_stays_as_it_came() -> None:
    assert normalize({**PRESS, "enterprise": None, "is_enterprise_install": False, "message_extra": 1}) == {
        **PRESS,
        "is_enterprise_install": False,
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"user": None}, id="nobody"),
        pytest.param({"user": {"id": 7}}, id="a number for a user"),
        pytest.param({"user": {"id": ""}}, id="an empty user"),
        pytest.param({"actions": []}, id="no action"),
        pytest.param({"actions": None}, id="null for the actions"),
        pytest.param({"actions": [{"value": "7"}]}, id="an action without a name"),
        pytest.param({"message": {"ts": "1.2", "app_id": "A2"}}, id="another app's message"),
    ],
)
def test_what_lacks_what_it_needs_is_no_press_on_a_button_of_ours(changes: dict[str, Any]) -> None:
    assert normalize({**PRESS, **changes})["actions"] == unknown("block_actions")


@pytest.mark.parametrize("kind", ["interactive_message", "dialog_submission", "message_action", "shortcut", "new_kind"])
def test_what_nobody_listens_to_becomes_a_press_that_is_answered(kind: str) -> None:
    found = normalize({**PRESS, "type": kind, "callback_id": "old", "actions": [{"name": "yes", "value": "1"}]})
    assert (found["type"], found["actions"]) == ("block_actions", unknown(kind))
    assert found["response_url"] == PRESS["response_url"]


def test_what_no_database_can_store_is_taken_out_of_texts() -> None:
    assert normalize({**PRESS, "trigger_id": "1\0.\ud8002"})["trigger_id"] == "1.?2"


@pytest.mark.parametrize("text", ["0", "-1", "9223372036854775808", "9" * 5000, "1.0", "", "²", "x", None, 7])
def test_what_cannot_be_an_id_is_none(text: object) -> None:
    assert read_id(text) is None


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("2147483647", 2**31 - 1), ("007", 7)])
def test_an_id_is_read(text: str, number: int) -> None:
    assert read_id(text) == number


@pytest.mark.parametrize(
    ("status", "body", "taken"),
    [
        (200, "ok", True),
        (200, "ok\n", True),
        (200, '{"ok":true}', True),
        (200, '{"ok":false,"error":"expired_url"}', False),
        (200, "<html>Sign in</html>", False),
        (200, "", False),
        (200, "[" * 100_000, False),
        (404, '{"ok":false,"error":"used_url"}', False),
        (429, "", False),
        (500, "ok", False),
    ],
)
def test_a_response_url_took_a_message_only_if_it_says_so(status: int, body: str, *, taken: bool) -> None:
    assert was_acknowledged(status, body) is taken
