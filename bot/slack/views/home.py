"""The Home tab: what is mine, nobody's, ends soon, and how the team is doing."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final

from bot.domain.card import title
from bot.domain.evaluation import Evaluation
from bot.domain.home import MOST_ROWS, Home, ReportState, Snoozed, TeamHome
from bot.domain.listing import EvaluationRow, Page
from bot.domain.text import counted
from bot.slack import ids
from bot.slack.blocks import Block, button, paragraphs, section, small
from bot.slack.charts import bar_chart
from bot.slack.ids import HomeButton
from bot.slack.text import escape, moment, tame
from bot.slack.views.lists import evaluation_line

Tab = dict[str, Any]

_EMPTY: Final = {
    "Mine": "None. *Claim* makes an evaluation yours.",
    "Nobody's": "None. Every running trial has an owner.",
}
_MOST_APPS: Final = 10
ON: Final = "on"
OFF: Final = "off"


def home_tab(home: Home, *, today: date, workspace_url: str | None) -> Tab:
    """Return a person's Home tab. Slack allows 100 blocks."""

    def lines(rows: Iterable[EvaluationRow]) -> list[str]:
        return [evaluation_line(row, today=today, workspace_url=workspace_url) for row in rows]

    team = home.team
    unowned = [
        {**section(line), "accessory": _claim(row.evaluation)}
        for row, line in zip(team.unowned.rows, lines(team.unowned.rows[:MOST_ROWS]), strict=False)
    ]
    snoozed = [
        _snoozed(each, line) for each, line in zip(home.snoozed, lines(s.row for s in home.snoozed), strict=True)
    ]
    return _tab(
        [
            _state(team.state),
            _buttons(home),
            *_waiting(team.waiting, lines(team.waiting.rows[:MOST_ROWS])),
            *_section("Mine", home.mine, paragraphs(lines(home.mine.rows)), "mine", len(home.mine.rows)),
            *_section("Nobody's", team.unowned, unowned, "unowned", len(unowned)),
            *_section(
                "Ending in 7 days", team.ending, paragraphs(lines(team.ending.rows[:MOST_ROWS])), "expiring", MOST_ROWS
            ),
            *([section("*My snoozes*"), *paragraphs(snoozed)] if snoozed else []),
            *_numbers(team),
            small(f"Everything else: type `{ids.COMMAND} help` in any channel."),
        ]
    )


def closed_tab(why: str) -> Tab:
    """Return the Home tab of somebody who may see nothing. `why` is a sentence in escaped mrkdwn."""
    return _tab([section(why)])


def digest_of(home: Home, *, today: date, workspace_url: str | None) -> str:
    """Return a digest of what a Home tab shows, except when the report was read, which alone is no news."""
    state = ReportState(read_at=None, error=home.team.state.error)
    shown = replace(home, team=replace(home.team, state=state))
    text = json.dumps(home_tab(shown, today=today, workspace_url=workspace_url), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _tab(blocks: list[Block]) -> Tab:
    return {"type": "home", "blocks": blocks}


def _state(state: ReportState) -> Block:
    read = "never read completely" if state.read_at is None else f"read {moment(state.read_at)}"
    if state.error is None:
        return small(f"Licenses report {read}.")
    return section(f":warning: Licenses report {read}. The latest attempt failed. {escape(state.error, longest=1000)}")


def _section(name: str, page: Page[EvaluationRow], rows: list[Block], command: str, shown: int) -> list[Block]:
    """Return a section with how many evaluations there are, and how to see those that are not shown."""
    blocks = [section(f"*{name}*  ·  {page.total:,}"), *(rows or [small(_EMPTY.get(name, "None."))])]
    more = page.total - shown
    return [*blocks, small(f"and {more:,} more: `{ids.COMMAND} {command}`")] if more > 0 else blocks


def _waiting(page: Page[EvaluationRow], lines: list[str]) -> list[Block]:
    """Return who waits for an answer; nothing if nobody does."""
    return _section("Waiting for an answer", page, paragraphs(lines), "waiting", len(lines)) if page.total else []


def _buttons(home: Home) -> Block:
    return {
        "type": "actions",
        "elements": [
            button(HomeButton.FIND, "Find…"),
            button(HomeButton.REPORT, "Report…"),
            button(HomeButton.BACK, "I'm back") if home.is_away else button(HomeButton.AWAY, "I'm away…"),
            button(HomeButton.DIGEST, "Stop my digest", OFF)
            if home.has_digest
            else button(HomeButton.DIGEST, "Get my digest", ON),
            *([button(HomeButton.SETTINGS, "Settings…")] if home.is_admin else []),
        ],
    }


def _claim(evaluation: Evaluation) -> Block:
    # Ten buttons with the same word on them are one to a screen reader.
    label = tame(f"Claim {title(evaluation.license)}", longest=75)
    claim = button(f"{HomeButton.CLAIM}.{evaluation.id}", "Claim", str(evaluation.id))
    return {**claim, "accessibility_label": label}


def _snoozed(snoozed: Snoozed, line: str) -> str:
    return f"{line}  ·  until {moment(snoozed.until)}"


def _numbers(team: TeamHome) -> list[Block]:
    total, apps = team.numbers.total, team.numbers.apps[:_MOST_APPS]
    series = {"New": [each.trials for _, each in apps], "Bought so far": [each.bought for _, each in apps]}
    sums = (
        f"{counted(total.trials, 'new trial')}, {total.bought:,} of them bought so far, "
        f"{counted(team.emails, 'email')} sent."
    )
    lines = [f"• {escape(name, longest=60)}: {each.trials:,} new, {each.bought:,} bought so far" for name, each in apps]
    return [
        section(f"*The last 30 days*\n{sums}"),
        *bar_chart("New trials of the last 30 days", [name for name, _ in apps], series, x="App", y="Trials"),
        *(paragraphs(lines) if lines else ()),
    ]
