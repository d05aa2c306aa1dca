"""What people read when they go away."""

from datetime import date

import pytest

from bot.errors import InteractionUnreadable
from bot.slack.views.away import HandOverForm, away_message, hand_over_form, handed_over
from tests.slack.checks import check, check_modal


def test_who_owns_nothing_is_asked_nothing() -> None:
    message = away_message(until=None, owned=0)
    assert message.text == (
        ":palm_tree: You're away until you type `/evaluators back`. The rotation gives you no evaluations meanwhile."
    )
    assert len(message.blocks) == 1


def test_who_owns_running_trials_is_asked_who_takes_care_of_them() -> None:
    message = away_message(until=date(2026, 12, 7), owned=3)
    check(message)
    assert "You still own 3 running trials: `/evaluators mine`." in message.text
    assert [button["text"]["text"] for button in message.blocks[-1]["elements"]] == ["Hand over…", "Keep"]


def test_the_form_knows_where_its_answer_goes() -> None:
    form = HandOverForm(channel="C0CARDS")
    modal = hand_over_form(form)
    check_modal(modal)
    assert HandOverForm.unpack(modal["private_metadata"]) == form


@pytest.mark.parametrize("packed", ["", "[]", "{}", '{"modal": "assign", "channel": "C0"}', '{"modal": "hand_over"}'])
def test_other_metadata_is_refused(packed: str) -> None:
    with pytest.raises(InteractionUnreadable):
        HandOverForm.unpack(packed)


def test_if_somebody_else_was_faster_nothing_is_handed_over() -> None:
    assert handed_over(0, "U0BO") == "You own no running trial any more."
