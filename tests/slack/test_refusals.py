"""Every word of Slack's that we know has a remedy, and a sentence."""

import pytest

from bot.slack.refusals import _VERDICTS, Remedy, remedy, sentence
from tests.slack.checks import check_text

A_PERSON_MENDS = {Remedy.TOKEN, Remedy.SCOPE, Remedy.CHANNEL}


@pytest.mark.parametrize("code", sorted(_VERDICTS))
def test_what_a_person_must_mend_is_said_with_what_to_do(code: str) -> None:
    check_text(sentence(code))
    does = ("Type", "Set", "set", "copy", "Copy", "Install", "install", "Ask")
    assert remedy(code) not in A_PERSON_MENDS or any(f"{verb} " in sentence(code) for verb in does)


def test_a_word_that_nobody_knows_is_not_tried_again_and_is_named() -> None:
    assert (remedy("no_such_word"), sentence("no_such_word")) == (
        Remedy.GIVE_UP,
        "Slack refused: no_such_word. If this lasts, update the bot, or report it.",
    )
