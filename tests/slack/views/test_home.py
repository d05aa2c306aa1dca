"""The Home tab: Slack takes it whatever the names, and it changes only when there is something to see."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.demo.fake_slack.validation import check_view
from bot.domain.home import Home, ReportState, Snoozed, TeamHome
from bot.domain.listing import EvaluationRow, Page
from bot.domain.report import ConversionReport, Counts, ReportScope
from bot.slack.views.home import Tab, closed_tab, digest_of, home_tab
from bot.slack.views.home_forms import away_form, report_form
from tests.builders import NOON, TODAY, evaluation, license_
from tests.slack.checks import NAMES, WORKSPACE, assert_only_our_markup, check_modal, mrkdwn_of

CALM = ReportState(read_at=NOON, error=None)
NUMBERS = Counts(trials=12, mature=4, bought=3)


def row(number: int, company: str = "Acme", app: str = "Roadmap") -> EvaluationRow:
    seen = evaluation(id=number, license=license_(company=company, app_name=app))
    return EvaluationRow(evaluation=seen, mailed=True, is_blocked=True)


def page(*rows: EvaluationRow, total: int | None = None) -> Page[EvaluationRow]:
    return Page(rows=rows, total=len(rows) if total is None else total)


def home(*apps: str, state: ReportState = CALM, **lists: Page[EvaluationRow]) -> Home:
    scope = ReportScope(since=TODAY - timedelta(days=30), today=TODAY)
    numbers = ConversionReport(scope=scope, total=NUMBERS, apps=tuple((name, NUMBERS) for name in apps), months=())
    empty = {"unowned": page(), "ending": page(), "waiting": page(), "mine": page(), **lists}
    mine = empty.pop("mine")
    return Home(team=TeamHome(state=state, numbers=numbers, emails=5, **empty), mine=mine, snoozed=())


def tab(shown: Home) -> Tab:
    found = home_tab(shown, today=TODAY, workspace_url=WORKSPACE)
    check_view(found)
    assert len(found["blocks"]) <= 90
    for text in mrkdwn_of(found["blocks"]):
        assert_only_our_markup(text)
    return found


def text_of(shown: Home) -> str:
    return "\n".join(mrkdwn_of(tab(shown)["blocks"]))


def digest(shown: Home) -> str:
    return digest_of(shown, today=TODAY, workspace_url=WORKSPACE)


def buttons(found: Tab) -> dict[str, str]:
    """The labels on the tab, by action."""
    rows = [block.get("accessory") for block in found["blocks"]] + [
        element for block in found["blocks"] if block["type"] == "actions" for element in block["elements"]
    ]
    return {button["action_id"]: button["text"]["text"] for button in rows if button}


def test_it_shows_whose_what_is_and_offers_to_claim_what_is_nobodys() -> None:
    snoozed = Snoozed(row=row(4, "Delta"), until=NOON + timedelta(days=1))
    shown = replace(
        home("Roadmap", mine=page(row(1, "Acme")), unowned=page(row(2, "Beta")), ending=page(row(3, "Gamma"))),
        snoozed=(snoozed,),
    )

    text = text_of(shown)

    assert "Licenses report read <!date^" in text
    for words in ("*Mine*  ·  1\n• Acme", "*Nobody's*  ·  1\n• Beta", "*Ending in 7 days*  ·  1\n• Gamma"):
        assert words in text
    assert "*My snoozes*\n• Delta" in text
    assert "12 new trials, 3 of them bought so far, 5 emails sent." in text
    assert buttons(tab(shown)) == {
        "home.find": "Find…",
        "home.report": "Report…",
        "home.away": "I'm away…",
        "home.digest": "Get my digest",
        "home.claim.2": "Claim",
    }
    assert buttons(tab(replace(shown, is_away=True)))["home.back"] == "I'm back"
    assert buttons(tab(replace(shown, has_digest=True)))["home.digest"] == "Stop my digest"


def test_it_says_what_an_empty_list_means() -> None:
    text = text_of(home("Roadmap"))
    assert "*Mine*  ·  0\nNone. *Claim* makes an evaluation yours.\n" in text
    assert "*Nobody's*  ·  0\nNone. Every running trial has an owner.\n" in text


def test_what_is_too_much_for_it_is_counted_and_named() -> None:
    many = [row(number) for number in range(1, 16)]
    shown = home(mine=page(*many, total=40), unowned=page(*many, total=15), ending=page(*many, total=99))
    text = text_of(shown)
    assert "and 25 more: `/evaluators mine`" in text
    assert "and 5 more: `/evaluators unowned`" in text
    assert "and 89 more: `/evaluators expiring`" in text
    assert list(buttons(tab(shown)).values()).count("Claim") == 10


def test_it_says_why_the_report_is_not_read() -> None:
    text = text_of(home(state=ReportState(read_at=None, error="The Marketplace refused the API token (401).")))
    assert ":warning: Licenses report never read completely. The latest attempt failed. The Marketplace refused" in text


def test_that_the_report_was_read_again_is_no_change_but_that_it_failed_is_one() -> None:
    later = ReportState(read_at=NOON + timedelta(minutes=10), error=None)
    assert digest(home(state=later)) == digest(home())
    assert digest(home(state=replace(later, error="Away."))) != digest(home())
    assert digest(home(mine=page(row(1)))) != digest(home())
    tomorrow = TODAY + timedelta(days=1)
    one = home(mine=page(row(1)))
    assert digest_of(one, today=tomorrow, workspace_url=WORKSPACE) != digest(one)


@given(NAMES, NAMES, st.integers(0, 15))
def test_any_names_fit_it(company: str, app: str, count: int) -> None:
    rows = page(*(row(number, company, app) for number in range(1, count + 1)), total=10**6)
    snoozed = tuple(Snoozed(row=each, until=NOON) for each in rows.rows[:10])
    tab(replace(home(*[app] * 30, mine=rows, unowned=rows, ending=rows), snoozed=snoozed))


def test_names_of_3000_characters_fit_it() -> None:
    rows = page(*(row(number, "<&>" * 1000, "*_~" * 1000) for number in range(1, 16)), total=15)
    tab(home(*("<!channel>" * 300 for _ in range(30)), mine=rows, unowned=rows, ending=rows))


def test_who_may_see_nothing_reads_one_sentence() -> None:
    assert len(closed_tab("This is for full members of the workspace.")["blocks"]) == 1
    check_view(closed_tab("This is for full members of the workspace."))


def test_its_forms_are_some_that_slack_takes() -> None:
    check_modal(report_form())
    check_modal(away_form())
