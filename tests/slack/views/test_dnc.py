"""What is answered to `/evaluators dnc …`."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dnc import DncEntry, DncReason, DncScope, DncTarget
from bot.slack.views.dnc import NOT_A_TARGET, REASON_MISSING, USAGE, list_message, status_message
from tests.builders import NOON, opt_out
from tests.slack.checks import NAMES, USERS, check, check_text, mrkdwn_of

AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"
ANA = DncTarget.of_address("ana@acme.example")
ACME = DncTarget(scope=DncScope.DOMAIN, value="acme.example")


@pytest.mark.parametrize("said", [USAGE, NOT_A_TARGET, REASON_MISSING])
def test_what_it_knows_is_said_in_words_that_slack_takes(said: str) -> None:
    check_text(said)


@pytest.mark.parametrize(
    ("subject", "no", "said"),
    [
        pytest.param(ANA, None, "ana@acme.example is not marked.", id="not marked"),
        pytest.param(
            ANA,
            opt_out(note="Called us."),
            f":no_entry_sign: ana@acme.example: They asked us not to write, <@U0BO>, {AT_NOON} “Called us.”",
            id="marked, with a note",
        ),
        pytest.param(
            ANA,
            opt_out(target=ACME, reason=DncReason.TEAM),
            f":no_entry_sign: @acme.example: The team decided, <@U0BO>, {AT_NOON}",
            id="marked by its domain",
        ),
        pytest.param(
            ANA,
            opt_out(target=None, by=None, reason=DncReason.ERASED),
            f":no_entry_sign: ana@acme.example: They were erased at their request, {AT_NOON}",
            id="erased",
        ),
    ],
)
def test_whether_somebody_is_marked_is_said_with_why(subject: DncTarget, no: DncEntry | None, said: str) -> None:
    message = status_message(subject, no)
    check(message)
    assert mrkdwn_of(message.blocks) == [said]


def test_where_nobody_is_marked_it_is_said_how_to_mark_somebody() -> None:
    message = list_message([])
    check(message)
    assert mrkdwn_of(message.blocks) == [f"Nobody is marked do-not-contact.\n{USAGE}"]


def test_the_latest_come_first_and_the_others_are_counted() -> None:
    marks = [
        opt_out(at=NOON + timedelta(minutes=n), target=DncTarget.of_address(f"p{n}@acme.example")) for n in range(17)
    ]
    message = list_message(
        [*marks, opt_out(reason=DncReason.ERASED, target=None, by=None, at=NOON + timedelta(hours=1))]
    )
    check(message)
    lines = "\n".join(mrkdwn_of(message.blocks)).split("\n")
    assert lines[0] == "*Do not contact*: 18 in all (1 erased, 17 asked)."
    assert [line.split(":")[0] for line in lines[1:4]] == [
        "• somebody who was forgotten",
        "• p16@acme.example",
        "• p15@acme.example",
    ]
    assert sum(line.startswith("•") for line in lines) == 15
    assert lines[-2:] == ["The other 3: `evaluator-bot dnc list`.", USAGE]


def test_what_fits_is_shown_whole() -> None:
    shown = "\n".join(mrkdwn_of(list_message([opt_out()] * 15).blocks))
    assert shown.count("•") == 15
    assert "The other" not in shown


SUBJECTS = st.none() | st.builds(DncTarget, scope=st.sampled_from(DncScope), value=NAMES)
MARKS = st.builds(
    opt_out,
    reason=st.sampled_from(DncReason),
    target=SUBJECTS,
    note=NAMES,
    by=st.none() | st.sampled_from(USERS),
)


@given(marks=st.lists(MARKS, max_size=20))
def test_slack_takes_the_list_whatever_was_typed(marks: list[DncEntry]) -> None:
    check(list_message(marks))


@pytest.mark.parametrize("name", ["&" * 5000, "W" * 5000, "株" * 5000])
def test_slack_takes_the_longest_list_there_can_be(name: str) -> None:
    check(list_message([opt_out(note=name, target=DncTarget(scope=DncScope.SITE, value=name))] * 2000))
