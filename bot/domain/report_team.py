"""The report about the team: who owns and emails, and what became of each template."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.domain.report import ReportScope

BOUGHT_WITHIN: Final = timedelta(days=30)
"""How long after an email a purchase is counted with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one person did: of the trials that started, those that they own, and the emails that they sent."""

    owned: int = 0
    running: int = 0
    done: int = 0
    bought: int = 0
    emails: int = 0
    replied: int = 0
    """Emails that somebody replied to, each once."""

    def __add__(self, other: "Work") -> "Work":
        return Work(
            owned=self.owned + other.owned,
            running=self.running + other.running,
            done=self.done + other.done,
            bought=self.bought + other.bought,
            emails=self.emails + other.emails,
            replied=self.replied + other.replied,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOnApp:
    """What one person (Slack user id) did for one app."""

    user: str
    app_key: str
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateUse:
    """How many emails were sent, came back, got a reply, and were followed by a purchase within `BOUGHT_WITHIN`."""

    sent: int = 0
    bounced: int = 0
    replied: int = 0
    bought: int = 0

    def __add__(self, other: "TemplateUse") -> "TemplateUse":
        return TemplateUse(
            sent=self.sent + other.sent,
            bounced=self.bounced + other.bounced,
            replied=self.replied + other.replied,
            bought=self.bought + other.bought,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateForApp:
    """How one template was used for one app."""

    template: str
    app_key: str
    use: TemplateUse


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamReport:
    """Who did what, by user id, and what became of each template, the most used first."""

    scope: ReportScope
    people: tuple[tuple[str, Work], ...]
    templates: tuple[tuple[str, TemplateUse], ...]


def team_report(scope: ReportScope, works: Iterable[WorkOnApp], uses: Iterable[TemplateForApp]) -> TeamReport:
    """Add up what the scope covers. People are in the order of their ids: this is no ranking."""
    people, templates = defaultdict[str, Work](Work), defaultdict[str, TemplateUse](TemplateUse)
    for done in works:
        if scope.covers(done.app_key):
            people[done.user] += done.work
    for each in uses:
        if scope.covers(each.app_key):
            templates[each.template] += each.use
    return TeamReport(
        scope=scope,
        people=tuple(sorted(people.items())),
        templates=tuple(sorted(templates.items(), key=lambda used: (-used[1].sent, used[0]))),
    )
