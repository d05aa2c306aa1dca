"""What the metadata of a message says, and that anybody may write anything there."""

from datetime import date
from typing import Any

import pytest

from bot.domain.card_snapshot import CardSnapshot, DncSnapshot, MailSnapshot, PostedCard
from bot.domain.dnc import DncScope
from bot.domain.dnc_reason import DncReason
from bot.domain.mail import MailState
from bot.slack.client.metadata import read
from bot.slack.client.web_client import MessageRef
from bot.slack.ids import Event
from tests.builders import NOON

TRACE = CardSnapshot(
    app_key="com.example.roadmap",
    aliases=("E-1", "SEN-1"),
    started=date(2026, 11, 20),
    mails=(
        MailSnapshot(
            id=7,
            template="welcome",
            address_key="a1",
            message_id="<7@vendor.example>",
            state=MailState.SENT,
            by="U0BO",
            at=NOON,
        ),
    ),
    entries=(DncSnapshot(scope=DncScope.ADDRESS, key="a1", reason=DncReason.ASKED, by=None, at=NOON),),
)
MARK = MessageRef(event=Event.CARD, number=3, delivery=9, trace=TRACE)


def _message(metadata: object, *, user: str = "U0BOT") -> dict[str, Any]:
    return {"user": user, "ts": "1.5", "metadata": metadata}


def test_the_metadata_of_a_card_is_read_as_it_was_written() -> None:
    found = read("C0CARDS", _message(MARK.metadata()), us="U0BOT")
    assert found == PostedCard(channel="C0CARDS", ts="1.5", delivery_id=9, evaluation_id=3, trace=TRACE)
    assert MARK.is_on(_message(MARK.metadata()))


def test_what_somebody_else_wrote_is_none_of_ours() -> None:
    assert read("C0CARDS", _message(MARK.metadata(), user="U0EVE"), us="U0BOT") is None


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "words",
        {},
        {"event_type": "evaluation_card"},
        {"event_type": "evaluation_card", "event_payload": []},
        {"event_type": "another_app", "event_payload": {"evaluation": 3}},
    ],
)
def test_other_metadata_is_passed_over(metadata: object) -> None:
    assert read("C0CARDS", _message(metadata), us="U0BOT") is None


@pytest.mark.parametrize(
    "changed",
    [{"emails": [[1]]}, {"emails": None}, {"started": "soon"}, {"dnc": [["address", "a1", "rude", None, "x", None]]}],
)
def test_a_card_that_cannot_be_read_is_known_by_its_numbers_alone(changed: dict[str, object]) -> None:
    written = MARK.metadata()
    written["event_payload"] |= changed
    found = read("C0CARDS", _message(written), us="U0BOT")
    assert found == PostedCard(channel="C0CARDS", ts="1.5", delivery_id=9, evaluation_id=3)


@pytest.mark.parametrize("number", [True, "3", 3.5, None, [3]])
def test_a_number_is_a_number(number: object) -> None:
    written = {"event_type": "evaluation_card", "event_payload": {"evaluation": number}}
    found = read("C0CARDS", _message(written), us="U0BOT")
    assert found is not None
    assert found.evaluation_id is None
