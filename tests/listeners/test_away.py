"""Which changes of an account take its evaluations."""

from typing import Any

import pytest

from bot.listeners.away import is_deactivation
from bot.slack.client.payload import normalize

CHANGE: dict[str, Any] = {"type": "event_callback", "event": {"type": "user_change", "user": {"id": "U0BEN"}}}


@pytest.mark.parametrize(("deleted", "said"), [(True, True), (False, False), (None, False), ("no", True)])
def test_only_a_deactivation_counts(deleted: object, said: object) -> None:
    event = {
        "type": "user_change",
        "user": {"id": "U0BEN", "deleted": deleted, "profile": {"email": "ben@vendor.example"}},
    }
    read = normalize(CHANGE | {"event": event})
    assert is_deactivation(read["event"]) is said
    assert "profile" not in read["event"]["user"]


@pytest.mark.parametrize("user", ["U0BEN", None, {}, {"deleted": True}, [1]])
def test_a_change_of_nobody_is_not_listened_to(user: object) -> None:
    read = normalize(CHANGE | {"event": {"type": "user_change", "user": user}})
    assert read["type"] == "block_actions"


def test_another_event_that_names_a_person_by_an_object_is_not_listened_to() -> None:
    read = normalize(CHANGE | {"event": {"type": "app_home_opened", "user": {"id": "U0BEN"}}})
    assert read["type"] == "block_actions"
