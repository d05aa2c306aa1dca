"""The day's list, the help, and the way between pages."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import CardRef, State
from bot.domain.listing import EvaluationRow, Page
from bot.slack.blocks import Message
from bot.slack.views.today import help_message, permalink, read_page, read_post_again, today_message
from tests.builders import TODAY, evaluation, license_, trial
from tests.slack.checks import NAMES, WORKSPACE, check, mrkdwn_of

POSTED = CardRef(channel="C0CARDS", ts="1795435200.000100")
LINK = f"{WORKSPACE}archives/C0CARDS/p1795435200000100"


def listed(*, mailed: bool = False, opted_out: bool = False, **overrides: Any) -> EvaluationRow:  # noqa: ANN401
    return EvaluationRow(evaluation=evaluation(**overrides), mailed=mailed, is_blocked=opted_out)


def named(company: str, app: str = "Roadmap for Jira", **overrides: Any) -> EvaluationRow:  # noqa: ANN401
    return listed(license=license_(company=company, app_name=app, app_key=app), **overrides)


def page(lines: list[EvaluationRow], number: int = 0) -> Message:
    message = today_message(Page.cut(lines, number), today=TODAY, workspace_url=WORKSPACE)
    check(message)
    return message


def shown(message: Message) -> list[str]:
    return "\n".join(mrkdwn_of(message.blocks)).split("\n")


def turns(message: Message) -> dict[str, tuple[date, int]]:
    """Where the buttons lead, by what is on them."""
    pressed = [button for block in message.blocks if block["type"] == "actions" for button in block["elements"]]
    return {button["text"]["text"]: read_page(button["value"]) for button in pressed}


EARLIER, NEXT = "◀ Previous page", "Next page ▶"


@pytest.mark.parametrize(
    ("count", "number", "first", "last", "leads_to"),
    [
        pytest.param(1, 0, 0, 0, {}, id="one"),
        pytest.param(15, 0, 0, 14, {}, id="a full page"),
        pytest.param(16, 0, 0, 14, {NEXT: 1}, id="one more: the first page"),
        pytest.param(16, 1, 15, 15, {EARLIER: 0}, id="one more: the second page"),
        pytest.param(200, 5, 75, 89, {EARLIER: 4, NEXT: 6}, id="in the middle of many"),
        pytest.param(200, 13, 195, 199, {EARLIER: 12}, id="the end of many"),
        pytest.param(16, 99, 15, 15, {EARLIER: 0}, id="beyond the end"),
        pytest.param(16, -1, 0, 14, {NEXT: 1}, id="before the beginning"),
    ],
)
def test_a_long_day_is_shown_a_page_at_a_time(
    count: int, number: int, first: int, last: int, leads_to: dict[str, int]
) -> None:
    message = page([named(f"Customer {n:03}") for n in range(count)], number)
    names = [line.split("  ·  ")[0] for line in shown(message) if line.startswith("•")]
    assert names == [f"• Customer {n:03}" for n in range(first, last + 1)]
    assert shown(message)[0] == f"*Evaluations on 23 Nov 2026*  ·  {count} in all"
    assert turns(message) == {label: (TODAY, target) for label, target in leads_to.items()}


def test_a_page_says_where_it_is() -> None:
    assert shown(page([named("Acme")] * 200, 13))[-1] == "Page 14 of 14"


def test_a_day_without_evaluations_says_why_that_may_be() -> None:
    assert shown(page([])) == [
        "*Evaluations on 23 Nov 2026*",
        "None yet. Trials show up in the licenses report hours after they start.",
    ]


def test_evaluations_are_grouped_by_app_in_the_order_of_the_list() -> None:
    lines = [named("Mid", "Atlas"), named("Zeta", "B & C"), named("Acme", "B & C")]
    assert [line.split("  ·  ")[0] for line in shown(page(lines))[1:]] == [
        "*Atlas*",
        "• Mid",
        "*B &amp; C*",
        "• Zeta",
        "• Acme",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(listed(), "• Acme  ·  until 20 Dec 2026  ·  no owner", id="new"),
        pytest.param(listed(card=POSTED), f"• <{LINK}|Acme>  ·  until 20 Dec 2026  ·  no owner", id="with a card"),
        pytest.param(listed(owner="U0BO"), "• Acme  ·  until 20 Dec 2026  ·  <@U0BO>", id="owned"),
        pytest.param(
            listed(mailed=True, opted_out=True),
            "• Acme  ·  until 20 Dec 2026  ·  no owner  ·  emailed  ·  do not contact",
            id="mailed, and then they said no",
        ),
        pytest.param(listed(trial=trial(ends=None)), "• Acme  ·  running  ·  no owner", id="without an end"),
        pytest.param(
            listed(trial=trial(state=State.CONVERTED, ends=None), license=license_(license_type="COMMERCIAL")),
            "• Acme  ·  bought  ·  no owner",
            id="bought",
        ),
        pytest.param(
            listed(trial=trial(state=State.CONVERTED, ends=None), license=license_(license_type="OPEN_SOURCE")),
            "• Acme  ·  licensed  ·  no owner",
            id="given",
        ),
        pytest.param(
            listed(trial=trial(upgrade_to="Advanced"), license=license_(license_type="COMMERCIAL")),
            "• Acme  ·  upgrade to Advanced  ·  running  ·  no owner",
            id="an upgrade trial, whose end nobody knows",
        ),
        pytest.param(listed(trial=trial(state=State.EXPIRED)), "• Acme  ·  ended  ·  no owner", id="expired"),
        pytest.param(listed(trial=trial(state=State.CANCELLED)), "• Acme  ·  cancelled  ·  no owner", id="cancelled"),
        pytest.param(
            named("<!channel>|Acme", card=POSTED),
            f"• <{LINK}|&lt;!channel&gt;|Acme>  ·  until 20 Dec 2026  ·  no owner",
            id="a nasty name in a link",
        ),
        pytest.param(
            listed(license=license_(company=None, site="\u200b"), card=POSTED),
            f"• <{LINK}|–>  ·  until 20 Dec 2026  ·  no owner",
            id="a name of nothing",
        ),
    ],
)
def test_a_line_says_who_how_it_stands_and_who_cares(line: EvaluationRow, said: str) -> None:
    assert shown(page([line]))[-1] == said


@pytest.mark.parametrize("workspace_url", [WORKSPACE, WORKSPACE.rstrip("/")])
def test_a_card_has_the_address_that_slack_gives_it(workspace_url: str) -> None:
    assert permalink(POSTED, workspace_url) == LINK


@given(
    names=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=20),
    number=st.integers(-3, 3),
)
def test_slack_takes_any_page_of_any_day(names: list[tuple[str, str]], number: int) -> None:
    lines = [named(company, app, mailed=True, opted_out=True, owner="U0BO", card=POSTED) for company, app in names]
    page(lines, number)


@pytest.mark.parametrize("apps", [["Roadmap"] * 15, [f"{'W' * 200}{n}" for n in range(15)]], ids=["one app", "15 apps"])
def test_slack_takes_the_longest_page_there_can_be(apps: list[str]) -> None:
    long = [named("W" * 5000, app, mailed=True, opted_out=True, owner="U0BO", card=POSTED) for app in apps]
    assert sum(line.startswith("•") for line in shown(page(long))) == 15


@pytest.mark.parametrize(
    ("unknown", "first"),
    [("", "*Evaluator Bot* understands:"), ("tomorrow", "Unknown command “tomorrow”. Try:")],
    ids=["asked for", "after a word it does not know"],
)
def test_the_help_names_every_command(unknown: str, first: str) -> None:
    message = help_message(unknown)
    check(message)
    assert shown(message)[0] == first
    assert [line.split("  ")[0] for line in shown(message)[1:5]] == [
        "`/evaluators today`",
        "`/evaluators health`",
        "`/evaluators dnc`",
        "`/evaluators help`",
    ]


@given(unknown=NAMES)
def test_slack_takes_the_help_whatever_was_typed(unknown: str) -> None:
    check(help_message(unknown))


def test_a_trial_whose_card_is_gone_has_no_link_and_a_button_that_posts_it_again() -> None:
    message = page([named("Acme", id=1, card=POSTED), replace(named("Orbit", id=2), gone=True)])
    [button] = [block["accessory"] for block in message.blocks if "accessory" in block]
    assert (button["text"]["text"], read_post_again(button["value"])) == ("Post again", ("2026-11-23:0", 2))
    lines = [line for line in shown(message) if line.startswith("•")]
    assert lines[0].startswith(f"• <{LINK}|Acme>")
    assert lines[1].startswith("• Orbit  ·  ")
    assert lines[1].endswith("card deleted")


def test_a_page_of_nothing_but_cards_that_are_gone_is_taken_by_slack() -> None:
    page([replace(named("<!channel> " * 50, app=f"App {n} " * 50, id=n), gone=True) for n in range(15)])
