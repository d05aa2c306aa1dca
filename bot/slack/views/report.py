"""The answer to `/evaluators report`: charts and a table, and the same figures as text."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from bot.domain.report import ConversionReport, Counts, ReportScope
from bot.domain.report_rates import Share, is_difference_shown
from bot.domain.report_request import ReportKind
from bot.domain.report_speed import NEWEST, Delay, SpeedReport
from bot.domain.report_team import TeamReport, TemplateUse, Work
from bot.domain.text import counted, day
from bot.slack.blocks import Block, Message, paragraphs, section, small
from bot.slack.charts import bar_chart, data_table
from bot.slack.text import escape, mention, moment, span

_MOST_APPS: Final = 12
"""Apps in a message; the others are added up."""
_MOST_PEOPLE: Final = 30
_MOST_TEMPLATES: Final = 10
_MOST_REASONS: Final = 8
_MOST_MONTHS: Final = 12


def report_message(report: ConversionReport | SpeedReport | TeamReport) -> Message:
    """Return a report. Each message has two charts and one table at most, as Slack allows."""
    match report:
        case ConversionReport():
            return conversion_message(report)
        case SpeedReport():
            return speed_message(report)
        case TeamReport():
            return team_message(report)


def conversion_message(report: ConversionReport) -> Message:
    """Return how many trials were bought: in all, by app, by month, contacted against not."""
    total, head = report.total, _head("Conversion", report.scope)
    if not total.trials:
        return _nothing(head)
    summary = _summary(total)
    apps, months = _shown_apps(report.apps), report.months[-_MOST_MONTHS:]
    young = f"{counted(total.young, 'trial')} too young to count." if total.young else ""
    return Message(
        text=f"{head}: {summary}",
        blocks=[
            section(f"*{head}*\n{summary}. {young}".rstrip()),
            *_chart("Mature trials and purchases by month", [f"{month:%b %Y}" for month, _ in months], months),
            *(_chart("Mature trials and purchases by app", [name for name, _ in apps], apps) if len(apps) > 1 else ()),
            *data_table("Trials by app", ("App", "Trials", "Mature", "Bought", "Rate"), list(map(_app_row, apps))),
            *paragraphs(["*By app*", *(f"• {escape(name, longest=60)}: {_counts(each)}" for name, each in apps)]),
            *paragraphs(["*By month*", *(f"• {month:%b %Y}: {_counts(each)}" for month, each in months)]),
            section(_contacted(total)),
            *paragraphs(_reasons(report.reasons)),
            small(_what_counts(total)),
            *_counted_at(report.scope),
            small(_as_file(ReportKind.CONVERSION)),
        ],
    )


def speed_message(report: SpeedReport) -> Message:
    """Return how long it took until a trial was seen, claimed, and its contact reached."""
    head = _head("Speed", report.scope)
    if not report.trials:
        return _nothing(head)
    rows = (
        *([("Installed → license in the report", report.licensed)] if report.licensed else []),
        ("Trial started → first seen", report.seen),
        ("First seen → claimed", report.claimed),
        ("First seen → first contact", report.contacted),
    )
    came = [(name, each.median, each.p90) for name, each in rows if each.median is not None and each.p90 is not None]
    of = f"the newest {NEWEST:,} trials" if report.trials >= NEWEST else counted(report.trials, "trial")
    hours = {
        "Half within": [_hours(each[1]) for each in came],
        "Nine of ten within": [_hours(each[2]) for each in came],
    }
    return Message(
        text=f"{head}: {of}",
        blocks=[
            section(f"*{head}*\nOf {of} that got a card."),
            *bar_chart("Delays in hours", [_step(name) for name, *_ in came], hours, x="Step", y="Hours"),
            *data_table(
                "Delays",
                ("Step", "Half within", "Nine of ten within", "Not yet"),
                [_delay_row(*row) for row in rows],
            ),
            *paragraphs([f"• {name}: {_delay(each)}" for name, each in rows]),
            small(
                "Until a trial is seen, the delay is Atlassian's: its report shows trials hours late and gives their "
                "start as a day. The others are the team's, in working hours. A contact is an email, or *Done*."
            ),
            small(_as_file(ReportKind.SPEED)),
        ],
    )


def team_message(report: TeamReport) -> Message:
    """Return who owns and emails how much, and what became of each template. Nobody is ranked."""
    head = _head("Team", report.scope)
    people, templates = report.people[:_MOST_PEOPLE], report.templates[:_MOST_TEMPLATES]
    if not people and not templates:
        words = f"*{head}*\nNobody has claimed a trial or sent an email in this time. Try an earlier `since:`."
        return Message(text=f"{head}: nothing yet", blocks=[section(words)])
    names = [name for name, _ in templates]
    uses = {
        "Sent": [use.sent for _, use in templates],
        "Bounced": [use.bounced for _, use in templates],
        "Replied": [use.replied for _, use in templates],
        "Bought in 30 days": [use.bought for _, use in templates],
    }
    lines = ["*Templates*", *(f"• {escape(name, longest=60)}: {_use(use)}" for name, use in templates)]
    left = len(report.people) - len(people)
    return Message(
        text=f"{head}: {counted(len(report.people), 'person', 'people')}",
        blocks=[
            section(f"*{head}*"),
            *bar_chart("Emails by template", names, uses, x="Template", y="Emails"),
            *paragraphs([f"• {mention(user)}: {_work(work)}" for user, work in people]),
            *([small(f"and {counted(left, 'person', 'people')} more")] if left else []),
            *data_table(
                "Templates",
                ("Template", "Sent", "Bounced", "Replied", "Bought in 30 days"),
                [(name, use.sent, use.bounced, use.replied, use.bought) for name, use in templates],
            ),
            *(paragraphs(lines) if templates else []),
            small(
                "Owned, running, done and bought are trials that started since then; emails were sent since then. "
                "Counts show who did what, not who did well: trials differ."
            ),
            *_counted_at(report.scope),
            small(_as_file(ReportKind.TEAM)),
        ],
    )


def _head(name: str, scope: ReportScope) -> str:
    names = [scope.name(key) for key in sorted(scope.app_keys or ())]
    app = f" · {escape(', '.join(names), longest=100)}" if names else ""
    return f"{name}{app} · since {day(scope.since)}"


def _counted_at(scope: ReportScope) -> list[Block]:
    """Return when a large report was counted."""
    if scope.counted_at is None:
        return []
    return [small(f"Counted {moment(scope.counted_at)}. A report on this many is counted once in ten minutes.")]


def _nothing(head: str) -> Message:
    words = f"*{head}*\nNo trials to count. Try an earlier `since:`, or another `app:`."
    return Message(text=f"{head}: no trials", blocks=[section(words)])


def _as_file(kind: ReportKind) -> str:
    return f"For a spreadsheet, ask the person who runs the bot for `evaluator-bot report {kind} --format csv`."


def _shown_apps(apps: Sequence[tuple[str, Counts]]) -> list[tuple[str, Counts]]:
    """Return the apps with the most trials, and the sum of the others."""
    if len(apps) <= _MOST_APPS:
        return list(apps)
    shown, others = list(apps[: _MOST_APPS - 1]), apps[_MOST_APPS - 1 :]
    return [*shown, (f"{len(others)} other apps", sum((counts for _, counts in others), Counts()))]


def _chart(title: str, labels: Sequence[str], counts: Iterable[tuple[object, Counts]]) -> list[Block]:
    found = [each for _, each in counts]
    series = {"Mature": [each.mature for each in found], "Bought": [each.bought for each in found]}
    return bar_chart(title, labels, series, x=title.rpartition(" ")[2].capitalize(), y="Trials")


def _app_row(app: tuple[str, Counts]) -> tuple[str, int, int, int, str]:
    name, counts = app
    return name, counts.trials, counts.mature, counts.bought, counts.rate.words if counts.mature else "–"


def _counts(counts: Counts) -> str:
    rate = f", {counts.rate.words}" if counts.rate.interval else ""
    return f"{counted(counts.trials, 'trial')}, {counts.mature:,} mature, {counts.bought:,} bought{rate}"


def _reasons(reasons: Sequence[tuple[str, int]]) -> list[str]:
    """Return why customers left, most frequent first."""
    if not reasons:
        return []
    shown, others = reasons[:_MOST_REASONS], sum(number for _, number in reasons[_MOST_REASONS:])
    lines = [f"• {escape(reason, longest=100)}: {number:,}" for reason, number in shown]
    return ["*Why they left*", *lines, *([f"• other reasons: {others:,}"] if others else [])]


def _contacted(total: Counts) -> str:
    yes, no = total.when_contacted, total.when_not_contacted
    differs = "" if is_difference_shown(yes, no) else " No difference shown."
    return (
        f"*Contacted or not*\nContacted: {yes.words} bought. Not contacted: {no.words} bought.{differs}\n"
        "Teams write to those who look promising, so this shows no effect of an email."
    )


def _what_counts(total: Counts) -> str:
    upgrades = (
        f" Upgrades, counted apart: {Share(total.upgrades_bought, total.upgrades).words} bought."
        if total.upgrades
        else ""
    )
    left_out = f" {total.left_out:,} left out" if total.left_out else " Left out"
    interval = " In brackets: where the true rate lies, with 95 % confidence." if total.rate.interval else ""
    return (
        f"A trial is mature once it was bought, or ended 14 days ago.{interval}"
        f"{left_out}: sandboxes, your test sites, migrations, Atlassian's own, free licenses, *Not for us*.{upgrades}"
    )


def _delay(delay: Delay) -> str:
    if delay.median is None or delay.p90 is None:
        return f"not yet for any of {delay.open:,}"
    rest = f", not yet for {delay.open:,}" if delay.open else ""
    return f"half within {span(delay.median)}, nine of ten within {span(delay.p90)}{rest}"


def _delay_row(name: str, delay: Delay) -> tuple[str, str, str, int]:
    median, p90 = ("–" if each is None else span(each) for each in (delay.median, delay.p90))
    return name, median, p90, delay.open


def _step(name: str) -> str:
    return name.partition("→ ")[2].capitalize()


def _hours(length: timedelta) -> int:
    return round(length / timedelta(hours=1))


def _work(work: Work) -> str:
    return (
        f"owns {counted(work.owned, 'trial')} ({work.running:,} running, {work.done:,} done, {work.bought:,} bought), "
        f"sent {counted(work.emails, 'email')}{f' ({work.replied:,} with a reply)' if work.replied else ''}"
    )


def _use(use: TemplateUse) -> str:
    came_of_it = f"{use.replied:,} with a reply, {use.bought:,} bought within 30 days"
    return f"{use.sent:,} sent, {use.bounced:,} bounced, {came_of_it}"


def _summary(total: Counts) -> str:
    if not total.mature:
        return "No trial is mature yet"
    of = "" if total.rate.interval is None else f"{total.mature:,} "
    return f"{total.rate.words} {'of ' if of else ''}{of}mature {'trial' if total.mature == 1 else 'trials'} bought"
