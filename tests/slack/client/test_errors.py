"""Every word of Slack's that we know has a remedy, and a sentence."""

import pytest

from bot.slack.client.errors import (
    _ACTIONS,
    _OF_APP_TOKEN,
    REACTIONS_SCOPE,
    SCOPES,
    WITHOUT_SCOPE,
    ErrorAction,
    Token,
    action_for,
    explain,
    scopes_needed,
)
from tests.slack.checks import check_text

A_PERSON_MENDS = {ErrorAction.TOKEN, ErrorAction.SCOPE, ErrorAction.CHANNEL}


@pytest.mark.parametrize("code", sorted(_ACTIONS))
def test_what_a_person_must_mend_is_said_with_what_to_do(code: str) -> None:
    check_text(explain(code))
    does = ("Type", "Set", "set", "copy", "Copy", "Install", "install", "Ask")
    assert action_for(code) not in A_PERSON_MENDS or any(f"{verb} " in explain(code) for verb in does)


def test_a_word_that_nobody_knows_is_not_tried_again_and_is_named() -> None:
    assert (action_for("no_such_word"), explain("no_such_word")) == (
        ErrorAction.GIVE_UP,
        "Slack refused: no_such_word. If this lasts, update the bot, or report it.",
    )


@pytest.mark.parametrize("code", sorted(_OF_APP_TOKEN))
def test_what_is_refused_to_the_app_level_token_names_that_and_no_other(code: str) -> None:
    said = explain(code, token=Token.APP)
    check_text(said)
    assert "SLACK_APP_TOKEN" in said
    assert "bot token" not in said
    assert "SLACK_BOT_TOKEN" not in said


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("users:read", ("users:read",)),
        ("channels:history,groups:history,mpim:history,im:history", ("channels:history", "groups:history")),
        ("files:read , pins:read", ("files:read", "pins:read")),
        ("<!channel>", ()),
        (None, ()),
        (["users:read"], ()),
    ],
)
def test_of_the_scopes_that_slack_asks_for_those_are_named_that_help(asked: object, named: tuple[str, ...]) -> None:
    assert scopes_needed(asked) == named
    said = explain("missing_scope", needed=named)
    check_text(said)
    assert all(name in said for name in named)


def test_a_word_that_is_none_is_not_repeated() -> None:
    said = explain("<!channel>\n")
    check_text(said)
    assert "a word that is unknown" in said


def test_of_each_scope_it_is_known_what_is_off_without_it() -> None:
    assert WITHOUT_SCOPE.keys() == (SCOPES - {"chat:write"}) | {REACTIONS_SCOPE}
