"""A list of evaluations, what was found, and the way between pages."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.evaluation import CardRef, Done, NotForUs, NotForUsReason, State
from bot.domain.listing import EvaluationRow, Filters, FindQuery, Found, ListKind, ListQuery, Page, Status
from bot.errors import InteractionUnreadable
from bot.slack.blocks import Message
from bot.slack.views.lists import found_message, list_message, read_page, read_post_again
from tests.builders import NOON, TODAY, evaluation, license_, nov, trial
from tests.slack.checks import NAMES, WORKSPACE, check, mrkdwn_of

POSTED = CardRef(channel="C0CARDS", ts="1795435200.000100")
LINK = f"{WORKSPACE}archives/C0CARDS/p1795435200000100"


def listed(*, mailed: bool = False, opted_out: bool = False, gone: bool = False, **overrides: Any) -> EvaluationRow:  # noqa: ANN401
    return EvaluationRow(evaluation=evaluation(**overrides), mailed=mailed, is_blocked=opted_out, gone=gone)


def named(company: str, app: str = "Roadmap for Jira", **overrides: Any) -> EvaluationRow:  # noqa: ANN401
    return listed(license=license_(company=company, app_name=app, app_key=app), **overrides)


DAY = ListQuery.of_days(TODAY)


def page(lines: list[EvaluationRow], number: int = 0, query: ListQuery = DAY) -> Message:
    message = list_message(Page.cut(lines, number), query, today=TODAY, workspace_url=WORKSPACE)
    check(message)
    return message


def shown(message: Message) -> list[str]:
    return "\n".join(mrkdwn_of(message.blocks)).split("\n")


def turns(message: Message) -> dict[str, tuple[str, int]]:
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
    assert turns(message) == {label: ("2026-11-23", target) for label, target in leads_to.items()}


def test_a_page_says_where_it_is() -> None:
    assert shown(page([named("Acme")] * 200, 13))[-1] == "Page 14 of 14"


def test_a_day_without_evaluations_says_why_that_may_be() -> None:
    assert shown(page([])) == [
        "*Evaluations on 23 Nov 2026*",
        "None yet. Trials show up in the licenses report hours after they start.",
    ]


@pytest.mark.parametrize(
    ("query", "head", "empty"),
    [
        (ListQuery(kind=ListKind.MINE), "Your evaluations", "You own no running trial."),
        (
            ListQuery(kind=ListKind.UNOWNED),
            "Evaluations without an owner",
            "Every running trial with a card has an owner.",
        ),
        (
            ListQuery(kind=ListKind.EXPIRING),
            "Trials that end within 7 days",
            "No running trial with a card ends that soon.",
        ),
        (
            ListQuery(kind=ListKind.EXPIRING, within=0),
            "Trials that end today",
            "No running trial with a card ends that soon.",
        ),
        (ListQuery.of_days(nov(17), TODAY), "Evaluations from 17 Nov 2026 to 23 Nov 2026", "None yet."),
    ],
    ids=["mine", "unowned", "expiring", "expiring today", "week"],
)
def test_every_list_has_a_heading_and_says_why_it_may_be_empty(query: ListQuery, head: str, empty: str) -> None:
    assert shown(page([named("Acme")], query=query))[0] == f"*{head}*  ·  1 in all"
    said = shown(page([], query=query))
    assert said[0] == f"*{head}*"
    assert said[1].startswith(empty)


def test_a_list_says_its_filters_and_its_buttons_keep_them() -> None:
    query = ListQuery(kind=ListKind.UNOWNED, filters=Filters(app="Gantt <for> Jira", state=Status.RUNNING))
    message = page([named("Acme")] * 16, query=query)
    assert shown(message)[0] == (
        "*Evaluations without an owner*  ·  app: Gantt &lt;for&gt; Jira  ·  state: running  ·  16 in all"
    )
    assert turns(message) == {NEXT: ('unowned app:"Gantt <for> Jira" state:running', 1)}
    assert shown(page([], query=query))[1] == "No evaluation fits these filters."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param(listed(), "• Acme  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner", id="new"),
        pytest.param(
            listed(card=POSTED),
            f"• <{LINK}|Acme>  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner",
            id="with a card",
        ),
        pytest.param(
            listed(owner="U0BO"), "• Acme  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  <@U0BO>", id="owned"
        ),
        pytest.param(
            listed(mailed=True, opted_out=True),
            "• Acme  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner  ·  emailed  ·  do not contact",
            id="mailed, and then they said no",
        ),
        pytest.param(
            listed(trial=trial(ends=None)), "• Acme  ·  Roadmap for Jira  ·  running  ·  no owner", id="without an end"
        ),
        pytest.param(
            listed(trial=trial(state=State.CONVERTED, ends=None), license=license_(license_type="COMMERCIAL")),
            "• Acme  ·  Roadmap for Jira  ·  bought  ·  no owner",
            id="bought",
        ),
        pytest.param(
            listed(trial=trial(state=State.CONVERTED, ends=None), license=license_(license_type="OPEN_SOURCE")),
            "• Acme  ·  Roadmap for Jira  ·  licensed  ·  no owner",
            id="given",
        ),
        pytest.param(
            listed(trial=trial(upgrade_to="Advanced"), license=license_(license_type="COMMERCIAL")),
            "• Acme  ·  Roadmap for Jira  ·  upgrade to Advanced  ·  running  ·  no owner",
            id="an upgrade trial, whose end nobody knows",
        ),
        pytest.param(
            listed(trial=trial(state=State.EXPIRED)), "• Acme  ·  Roadmap for Jira  ·  ended  ·  no owner", id="expired"
        ),
        pytest.param(
            listed(trial=trial(ends=TODAY), owner="U0BO"),
            "• Acme  ·  Roadmap for Jira  ·  last day  ·  running  ·  <@U0BO>",
            id="on its last day",
        ),
        pytest.param(
            listed(done=Done(by="U0BO", at=NOON)),
            "• Acme  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner  ·  done",
            id="done",
        ),
        pytest.param(
            listed(not_for_us=NotForUs(by="U0BO", at=NOON, reason=NotForUsReason.STUDENT)),
            "• Acme  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner  ·  not for us (student)",
            id="not for us",
        ),
        pytest.param(
            listed(trial=trial(state=State.CANCELLED)),
            "• Acme  ·  Roadmap for Jira  ·  cancelled  ·  no owner",
            id="cancelled",
        ),
        pytest.param(
            named("<!channel>|Acme", card=POSTED),
            f"• <{LINK}|&lt;!channel&gt;|Acme>  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner",
            id="a nasty name in a link",
        ),
        pytest.param(
            listed(license=license_(company=None, site="\u200b"), card=POSTED),
            f"• <{LINK}|–>  ·  Roadmap for Jira  ·  27 days left  ·  running  ·  no owner",
            id="a name of nothing",
        ),
    ],
)
def test_a_line_says_who_how_it_stands_and_who_cares(line: EvaluationRow, said: str) -> None:
    assert shown(page([line]))[-1] == said


@pytest.mark.parametrize("workspace_url", [WORKSPACE, WORKSPACE.rstrip("/")])
def test_a_card_has_the_address_that_slack_gives_it(workspace_url: str) -> None:
    assert POSTED.permalink(workspace_url) == LINK


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


@pytest.mark.parametrize("value", ["", "2026-11-23", "2026-11-23:", "2026-11-23:x", "2026-11-23:1234567"])
def test_a_value_that_the_bot_did_not_write_turns_no_page(value: str) -> None:
    with pytest.raises(InteractionUnreadable):
        read_page(value)


@pytest.mark.parametrize(
    ("total", "is_partial", "last"),
    [
        (1, False, None),
        (15, False, "and 14 more: narrow it down with `app:`, `country:`, `state:`, `owner:`"),
        (2001, True, "and more than 2,000 more: narrow it down with `app:`, `country:`, `state:`, `owner:`"),
    ],
    ids=["all shown", "more", "more than are counted"],
)
def test_what_was_found_says_how_much_more_there_is(total: int, is_partial: bool, last: str | None) -> None:  # noqa: FBT001
    found = Found(rows=(named("Acme", card=POSTED),), total=total, is_partial=is_partial)
    query = FindQuery(words=("acme", "<!here>"), filters=Filters(country="DE"))
    message = found_message(found, query, today=TODAY, workspace_url=WORKSPACE)
    check(message)
    assert shown(message)[0] == "*Found for “acme &lt;!here&gt;”*  ·  country: DE"
    assert shown(message)[1].startswith(f"• <{LINK}|Acme>  ·  Roadmap for Jira  ·  27 days left")
    assert shown(message)[2:] == ([] if last is None else [last])


def test_who_finds_nothing_reads_where_was_looked() -> None:
    message = found_message(Found(rows=(), total=0), FindQuery(words=("x",)), today=TODAY, workspace_url=WORKSPACE)
    check(message)
    assert shown(message)[1] == "Nothing found."
    assert "Names of contacts are encrypted" in shown(message)[2]


@given(word=NAMES)
def test_slack_takes_what_was_found_whatever_was_looked_for(word: str) -> None:
    query = FindQuery(words=(word[:200],), filters=Filters(app=word[:200], owner=word[:200]))
    rows = tuple(replace(named(word, app=word, id=number), gone=True) for number in range(10))
    check(found_message(Found(rows=rows, total=10), query, today=TODAY, workspace_url=WORKSPACE))
