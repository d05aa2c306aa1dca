"""What a modal is about, on its way through Slack and back."""

import json
from datetime import UTC, datetime

import pytest

from bot.domain.mail import LawfulBasis
from bot.errors import InteractionUnreadable
from bot.slack.views.modal_metadata import (
    AssignMetadata,
    ContactAgainMetadata,
    EmailMetadata,
    ModalMetadata,
    PreviewMetadata,
)

ABOUT = ModalMetadata(evaluation_id=7, channel="C0CARDS", card="1764500000.000100")
ADDED_AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ALL = [
    ABOUT,
    ModalMetadata(evaluation_id=2**63 - 1, channel=""),
    EmailMetadata.about(ABOUT, template="welcome.de", recipient="billing", edits={}),
    EmailMetadata.about(ABOUT, template="own/welcome", recipient="technical", edits={"welcome": "t0k3n"}),
    PreviewMetadata.about(ABOUT, draft="t0k3n", basis=LawfulBasis.CONSENT),
    PreviewMetadata.about(ABOUT, draft="t0k3n"),
    ContactAgainMetadata.about(ABOUT, added_at=ADDED_AT),
    AssignMetadata.about(ABOUT, owner="U0BO"),
    AssignMetadata.about(ABOUT),
]


@pytest.mark.parametrize("about", ALL)
def test_metadata_comes_back_as_it_went(about: ModalMetadata) -> None:
    assert type(about).unpack(about.pack()) == about


@pytest.mark.parametrize("about", ALL)
def test_every_modal_says_which_evaluation_it_is_about(about: ModalMetadata) -> None:
    found = ModalMetadata.unpack(about.pack())
    assert (found.evaluation_id, found.channel, found.card) == (about.evaluation_id, about.channel, about.card)


@pytest.mark.parametrize("about", [about for about in ALL if not isinstance(about, AssignMetadata)])
def test_the_metadata_of_another_modal_is_not_taken_for_ours(about: ModalMetadata) -> None:
    with pytest.raises(InteractionUnreadable):
        AssignMetadata.unpack(about.pack())


@pytest.mark.parametrize(
    ("seen", "about"),
    [
        pytest.param("welcome.de billing", ALL[2], id="email form"),
        pytest.param("t0k3n CONSENT", ALL[4], id="preview with a legal basis"),
        pytest.param("t0k3n", ALL[5], id="preview"),
        pytest.param(ADDED_AT.isoformat(), ALL[6], id="lift an entry"),
        pytest.param("U0BO", ALL[7], id="assign"),
        pytest.param(None, ALL[8], id="assign what has no owner"),
        pytest.param(None, ABOUT, id="block"),
    ],
)
def test_a_modal_that_an_earlier_version_opened_still_works(seen: str | None, about: ModalMetadata) -> None:
    assert type(about).unpack(json.dumps([7, "C0CARDS", seen, about.card])) == about


def test_a_modal_of_the_first_version_knows_no_card() -> None:
    assert AssignMetadata.unpack('[7, "C0CARDS", "U0BO"]') == AssignMetadata(
        evaluation_id=7, channel="C0CARDS", owner="U0BO"
    )


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "{}",
        "[]",
        "7",
        "[" * 100_000,
        '[7, "C0CARDS", "t0k3n NO_SUCH_BASIS"]',
        '{"modal": "preview", "evaluation_id": 7, "channel": "C0CARDS", "draft": 5}',
        '{"modal": "preview", "evaluation_id": 0, "channel": "C0CARDS", "draft": "t0k3n"}',
        '{"modal": "preview", "evaluation_id": 7, "channel": null, "draft": "t0k3n"}',
    ],
)
def test_what_the_bot_did_not_write_is_not_read(metadata: str) -> None:
    with pytest.raises(InteractionUnreadable):
        PreviewMetadata.unpack(metadata)


def test_a_time_without_a_zone_is_not_read() -> None:
    with pytest.raises(InteractionUnreadable):
        ContactAgainMetadata.unpack('[7, "C0CARDS", "2026-11-23T09:30:00"]')
