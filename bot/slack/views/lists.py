"""Lists of evaluations: a page of one, and what was found. Every row reads the same."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Final

from bot.domain.card import known_end, title
from bot.domain.commands import write_command, write_filters
from bot.domain.evaluation import Evaluation, days_left
from bot.domain.listing import EvaluationRow, Filters, FindQuery, Found, ListKind, ListQuery, Page, status_of
from bot.domain.text import counted, day
from bot.errors import InteractionUnreadable
from bot.slack import ids
from bot.slack.blocks import Block, Message, button, paragraphs, section, small
from bot.slack.client.payload import read_id
from bot.slack.text import days, escape, mention, moment
from bot.slack.views.paging import page_turns

_SEPARATOR: Final = "  ·  "
_PAGE_DIGITS: Final = 6
_EMPTY: Final = {
    ListKind.DAYS: "None yet. Trials show up in the licenses report hours after they start.",
    ListKind.MINE: "You own no running trial. *Claim* on a card makes you the owner.",
    ListKind.UNOWNED: "Every running trial with a card has an owner.",
    ListKind.EXPIRING: "No running trial with a card ends that soon.",
    ListKind.WAITING: "Nobody waits for an answer.",
}


def list_message(page: Page[EvaluationRow], query: ListQuery, *, today: date, workspace_url: str | None) -> Message:
    """Return one page of a list. Names link to the cards if the address of the workspace is known."""
    head, narrowed = _heading(query), _narrowed(query.filters)
    if not page.rows:
        empty = "No evaluation fits these filters." if narrowed else _EMPTY[query.kind]
        return Message(text=head, blocks=[section(f"*{head}*{narrowed}\n{empty}")])
    command = write_command(query)
    blocks = [section(f"*{head}*{narrowed}{_SEPARATOR}{page.total:,} in all")]
    blocks += _rows(page.rows, f"{command}:{page.number}", today=today, workspace_url=workspace_url)
    blocks += page_turns(ids.PAGE, page, value=lambda target: f"{command}:{target}")
    return Message(text=f"{head}: {page.total:,}", blocks=blocks)


def found_message(found: Found, query: FindQuery, *, today: date, workspace_url: str | None) -> Message:
    """Return what was found by words, the newest first."""
    head = f"Found for “{escape(' '.join(query.words))}”"
    narrowed = _narrowed(query.filters)
    return Message(
        text=head,
        blocks=[
            section(f"*{head}*{narrowed}"),
            *found_blocks(found, query, today=today, workspace_url=workspace_url),
        ],
    )


def found_blocks(
    found: Found, query: FindQuery, *, today: date, workspace_url: str | None, can_post: bool = True
) -> list[Block]:
    """Return the rows of what was found, and what to do if there are more or none. With `can_post`, deleted cards have
    a button to post them again, which only works in a message.
    """
    if not found.rows:
        return [
            section("Nothing found."),
            small(
                "The search covers companies, sites, email domains, entitlement and license numbers, apps, and whole "
                "email addresses. Names of contacts are encrypted and can't be searched."
            ),
        ]
    page = f"{write_command(query)}:0" if can_post else None
    blocks = _rows(found.rows, page, today=today, workspace_url=workspace_url)
    more = found.total - len(found.rows)
    if more or found.is_partial:
        number = f"more than {more:,} more" if found.is_partial else f"{more:,} more"
        blocks.append(small(f"and {number}: narrow it down with `app:`, `country:`, `state:`, `owner:`"))
    return blocks


def public_message(found: Found, query: FindQuery, *, today: date, workspace_url: str | None) -> Message:
    """Return what was found for a question that everybody reads: nothing about contacts, and no buttons."""
    rows = tuple(replace(row, mailed=False, is_blocked=False) for row in found.rows)
    shown = replace(found, rows=rows)
    blocks = found_blocks(shown, query, today=today, workspace_url=workspace_url, can_post=False)
    return Message(text=f"{counted(found.total, 'evaluation')} found", blocks=blocks)


def read_page(value: str) -> tuple[str, int]:
    """Return the command and the page of a paging button. Raises InteractionUnreadable for other values."""
    command, _, page = value.rpartition(":")
    if not page.isdecimal() or len(page) > _PAGE_DIGITS:
        raise InteractionUnreadable
    return command, int(page)


def read_post_again(value: str) -> tuple[str, int]:
    """Return the page and the evaluation of a button that posts a card again. Raises InteractionUnreadable for other
    values.
    """
    page, _, number = value.rpartition(":")
    evaluation_id = read_id(number)
    if evaluation_id is None:
        raise InteractionUnreadable
    return page, evaluation_id


def evaluation_line(row: EvaluationRow, *, today: date, workspace_url: str | None) -> str:
    """Return a row of a list: company, app, days left, state, owner, and what else to know."""
    evaluation = row.evaluation
    name = escape(title(evaluation.license), longest=80)
    if evaluation.card is not None and workspace_url is not None:
        name = f"<{evaluation.card.permalink(workspace_url)}|{name}>"
    parts = (
        f"• {name}",
        escape(evaluation.license.app_name, longest=60),
        evaluation.trial.upgrade_to and f"upgrade to {escape(evaluation.trial.upgrade_to, longest=60)}",
        _time_left(evaluation, today),
        status_of(evaluation).value,
        mention(evaluation.owner) if evaluation.owner else "no owner",
        evaluation.waiting_since and f"waiting for an answer since {moment(evaluation.waiting_since)}",
        evaluation.done and "done",
        evaluation.not_for_us and f"not for us ({evaluation.not_for_us.reason.words.lower()})",
        row.mailed and "emailed",
        row.is_blocked and "do not contact",
    )
    return _SEPARATOR.join(part for part in parts if part)


def _heading(query: ListQuery) -> str:
    match query:
        case ListQuery(kind=ListKind.MINE):
            return "Your evaluations"
        case ListQuery(kind=ListKind.UNOWNED):
            return "Evaluations without an owner"
        case ListQuery(kind=ListKind.WAITING):
            return "Waiting for an answer"
        case ListQuery(kind=ListKind.EXPIRING, within=within):
            return f"Trials that end within {days(within)}" if within else "Trials that end today"
        case ListQuery(first=date() as first, last=date() as last) if first != last:
            return f"Evaluations from {day(first)} to {day(last)}"
        case ListQuery(first=date() as first):
            return f"Evaluations on {day(first)}"
    raise ValueError("a list of days needs the days")


def _narrowed(filters: Filters) -> str:
    """Return the filters of a list, as they can be typed."""
    return "".join(f"{_SEPARATOR}{name}: {escape(value, longest=40)}" for name, value in write_filters(filters))


def _rows(rows: Iterable[EvaluationRow], page: str | None, *, today: date, workspace_url: str | None) -> list[Block]:
    """Return the rows in their order. A row whose card was deleted has a button to post it again, if there is a page
    that it leads back to.
    """
    blocks, lines = list[Block](), list[str]()
    for row in rows:
        line = evaluation_line(row, today=today, workspace_url=workspace_url)
        if row.gone:
            line = f"{line}{_SEPARATOR}card deleted"
        if not row.gone or page is None:
            lines.append(line)
            continue
        again = button(f"{ids.POST_AGAIN}.{row.evaluation.id}", "Post again", f"{page}:{row.evaluation.id}")
        blocks += [*paragraphs(lines), {**section(line), "accessory": again}]
        lines = []
    return blocks + paragraphs(lines)


def _time_left(evaluation: Evaluation, today: date) -> str | None:
    left = days_left(evaluation.trial, today) if known_end(evaluation) else None
    if left is None:
        return None
    return "last day" if left == 0 else f"{days(left)} left"
