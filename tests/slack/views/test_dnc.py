"""What is answered to `/evaluators dnc …`, and the forms that it opens."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.dnc import DncEntry, DncScope, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.errors import InteractionUnreadable
from bot.slack.ids import Field, View
from bot.slack.views import dnc_forms
from bot.slack.views.dnc import NOT_A_TARGET, ONE_AT_A_TIME, USAGE, list_message, status_message
from bot.slack.views.dnc_forms import DncRequest
from tests.builders import NOON, dnc_entry
from tests.slack.checks import NAMES, USERS, check, check_modal, check_text, mrkdwn_of

AT_NOON = f"<!date^{int(NOON.timestamp())}^{{date_short_pretty}} {{time}}|2026-11-23 12:00 UTC>"
ANA = DncTarget.of_address("ana@acme.example")
ACME = DncTarget(scope=DncScope.DOMAIN, value="acme.example")


@pytest.mark.parametrize("said", [USAGE, NOT_A_TARGET, ONE_AT_A_TIME])
def test_what_it_knows_is_said_in_words_that_slack_takes(said: str) -> None:
    check_text(said)


@pytest.mark.parametrize(
    ("subject", "no", "said"),
    [
        pytest.param(ANA, None, "ana@acme.example isn't blocked.", id="not marked"),
        pytest.param(
            ANA,
            dnc_entry(note="Called us."),
            f":no_entry_sign: ana@acme.example: They asked us not to email them, <@U0BO>, {AT_NOON} “Called us.”",
            id="marked, with a note",
        ),
        pytest.param(
            ANA,
            dnc_entry(target=ACME, reason=DncReason.TEAM),
            f":no_entry_sign: @acme.example: The team decided, <@U0BO>, {AT_NOON}",
            id="marked by its domain",
        ),
        pytest.param(
            ANA,
            dnc_entry(target=None, by=None, reason=DncReason.ERASED),
            f":no_entry_sign: ana@acme.example: Their data was erased at their request, {AT_NOON}",
            id="erased",
        ),
    ],
)
def test_the_status_says_whether_somebody_is_blocked_and_why(
    subject: DncTarget, no: DncEntry | None, said: str
) -> None:
    message = status_message(subject, no)
    check(message)
    assert mrkdwn_of(message.blocks) == [said]


def test_an_empty_list_says_how_to_block_somebody() -> None:
    message = list_message([])
    check(message)
    assert mrkdwn_of(message.blocks) == [f"The do-not-contact list is empty.\n{USAGE}"]


def test_the_list_says_what_it_is_and_comes_a_page_at_a_time_newest_first() -> None:
    marks = [
        dnc_entry(at=NOON + timedelta(minutes=n), target=DncTarget.of_address(f"p{n}@acme.example")) for n in range(17)
    ]
    marks.append(dnc_entry(reason=DncReason.ERASED, target=None, by=None, at=NOON + timedelta(hours=1)))
    first, second = list_message(marks), list_message(marks, 7)
    check(first)
    check(second)
    head, rows, page, usage = mrkdwn_of(first.blocks)
    assert head == ("*Do-not-contact list*\nNobody can email these from here: 18 entries (1 erased, 17 asked).")
    assert [line.split(":")[0] for line in rows.split("\n")[:3]] == [
        "• somebody who was forgotten",
        "• p16@acme.example",
        "• p15@acme.example",
    ]
    assert rows.count("•") == 15
    assert (page, usage) == ("Page 1 of 2", USAGE)
    assert mrkdwn_of(second.blocks)[1].count("•") == 3
    assert [button["value"] for button in second.blocks[-2]["elements"]] == ["0"]


def test_a_single_page_has_no_buttons() -> None:
    assert "actions" not in {block["type"] for block in list_message([dnc_entry()] * 15).blocks}


SUBJECTS = st.none() | st.builds(DncTarget, scope=st.sampled_from(DncScope), value=NAMES)
MARKS = st.builds(
    dnc_entry,
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
    check(list_message([dnc_entry(note=name, target=DncTarget(scope=DncScope.SITE, value=name))] * 2000))


# --- The forms -----------------------------------------------------------------------------------------------------

REQUEST = DncRequest(view=View.DNC_ADD, channel="C0CARDS", target=ANA, note="She “called” \\ us")


@pytest.mark.parametrize(
    ("target", "said"),
    [(ANA, "email this address from"), (ACME, "email anyone at this domain from")],
    ids=["address", "domain"],
)
def test_the_form_names_its_target_and_keeps_what_was_typed(target: DncTarget, said: str) -> None:
    modal = dnc_forms.add_form(replace(REQUEST, target=target))
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"])[0].startswith(f"*{target}*\nNobody will be able to {said}")
    [why, note] = [block for block in modal["blocks"] if block["type"] == "input"]
    assert "initial_option" not in why["element"]
    assert note["element"]["initial_value"] == REQUEST.note


def test_the_form_to_lift_shows_the_entry_that_covers_the_address_and_lifts_that() -> None:
    modal = dnc_forms.lift_form(replace(REQUEST, view=View.DNC_LIFT), dnc_entry(target=ACME, reason=DncReason.LEGAL))
    check_modal(modal)
    assert mrkdwn_of(modal["blocks"])[0] == "*@acme.example*"
    assert "only with their *written consent*" in mrkdwn_of(modal["blocks"])[1]
    about = DncRequest.unpack(modal["private_metadata"])
    assert (about.target, about.added_at, about.note) == (ACME, dnc_entry().at, "")
    assert [block["block_id"] for block in modal["blocks"] if block["type"] == "input"] == [Field.NOTE]


@given(
    request=st.builds(
        DncRequest,
        view=st.sampled_from([View.DNC_ADD, View.DNC_LIFT]),
        channel=st.sampled_from(["C0CARDS", ""]),
        target=st.sampled_from([ANA, ACME, DncTarget.read("acme.atlassian.net")]),
        note=st.text(max_size=500),
        added_at=st.none() | st.just(NOON),
    )
)
def test_a_request_comes_back_from_a_button_as_it_was(request: DncRequest) -> None:
    message = dnc_forms.button_to_form(request)
    check(message)
    assert DncRequest.unpack(message.blocks[1]["elements"][0]["value"]) == request


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "7",
        "[]",
        '["email", "C0", "ana@acme.example", "", null]',
        '["dnc_add", "C0", "nobody!", "", null]',
        '["dnc_add", 7, "ana@acme.example", "", null]',
        '["dnc_lift", "C0", "ana@acme.example", "", "2026-11-23"]',
    ],
)
def test_a_request_that_is_not_ours_is_refused(packed: str) -> None:
    with pytest.raises(InteractionUnreadable):
        DncRequest.unpack(packed)
