"""The answer to `/evaluators today`: the day's evaluations, grouped by app, one page at a time."""

from datetime import date
from itertools import groupby
from typing import Final

from bot.domain.card import known_end, title
from bot.domain.evaluation import CardRef, Evaluation, State
from bot.domain.license_types import is_sold
from bot.domain.listing import EvaluationRow, Page
from bot.domain.text import day
from bot.errors import InteractionUnreadable
from bot.slack import ids
from bot.slack.blocks import Block, Message, paragraphs, plain, section, small
from bot.slack.client.payload import read_id
from bot.slack.text import escape, mention
from bot.slack.views.paging import page_turns

_PAGE_DIGITS: Final = 6
_YEARS: Final = range(2000, 3000)


def today_message(page: Page[EvaluationRow], *, today: date, workspace_url: str | None) -> Message:
    """Return one page of a day's list. Names link to the cards if the address of the workspace is known."""
    head = f"Evaluations on {day(today)}"
    if not page.rows:
        return Message(
            text=head,
            blocks=[section(f"*{head}*\nNone yet. Trials show up in the licenses report hours after they start.")],
        )
    blocks = [section(f"*{head}*  ·  {page.total} in all")]
    for app_name, group in groupby(page.rows, key=lambda line: line.evaluation.license.app_name):
        these = list(group)
        blocks += paragraphs(
            [f"*{escape(app_name)}*", *(_line(each, workspace_url) for each in these if not each.gone)]
        )
        shown = f"{today.isoformat()}:{page.number}"
        blocks += [_without_card(each, shown, workspace_url) for each in these if each.gone]
    blocks += page_turns(ids.PAGE, page, value=lambda target: f"{today.isoformat()}:{target}")
    return Message(text=f"{head}: {page.total}", blocks=blocks)


def help_message(unknown: str = "") -> Message:
    """Return what the slash command can do; `unknown` is the word it does not know."""
    lines = [
        f"`{ids.COMMAND} today`  trials that started or arrived today, with owner, state and a link to each card",
        f"`{ids.COMMAND} health`  whether the report is being read, how late trials are seen, and what can't be read",
        f"`{ids.COMMAND} dnc`  the do-not-contact list; `dnc add` blocks somebody, `dnc lift` unblocks them",
        f"`{ids.COMMAND} help`  this list",
    ]
    sorry = f"Unknown command “{escape(unknown)}”. Try:" if unknown else "*Evaluator Bot* understands:"
    text = "\n".join([sorry, *lines])
    foot = (
        "On a card: *Email…* writes to the contact, *Claim* makes you the owner, *Do not contact…* stops all email to "
        "them."
    )
    return Message(text=sorry, blocks=[section(text), small(foot)])


def read_post_again(value: str) -> tuple[str, int]:
    """Return the page and the evaluation of a button that posts a card again. Raises InteractionUnreadable for other
    values.
    """
    page, _, number = value.rpartition(":")
    evaluation_id = read_id(number)
    if evaluation_id is None:
        raise InteractionUnreadable
    return page, evaluation_id


def read_page(value: str) -> tuple[date, int]:
    """Return the day and page of a paging button. Raises InteractionUnreadable for a value that the bot did
    not write.
    """
    day_, _, page = value.partition(":")
    if not page.isdecimal() or len(page) > _PAGE_DIGITS:
        raise InteractionUnreadable
    try:
        found = date.fromisoformat(day_)
    except ValueError as exc:
        raise InteractionUnreadable from exc
    if found.year not in _YEARS:
        raise InteractionUnreadable
    return found, int(page)


def permalink(card: CardRef, workspace_url: str) -> str:
    """Return the address of a message, which Slack builds from channel and timestamp."""
    return f"{workspace_url.rstrip('/')}/archives/{card.channel}/p{card.ts.replace('.', '')}"


def _without_card(line: EvaluationRow, page: str, workspace_url: str | None) -> Block:
    """Return a row whose card was deleted or can no longer be changed, with a button to post it again."""
    evaluation_id = line.evaluation.id
    button = {
        "type": "button",
        "action_id": f"{ids.POST_AGAIN}.{evaluation_id}",
        "text": plain("Post again"),
        "value": f"{page}:{evaluation_id}",
    }
    return {**section(f"{_line(line, workspace_url)}  ·  card deleted"), "accessory": button}


def _line(line: EvaluationRow, workspace_url: str | None) -> str:
    evaluation = line.evaluation
    name = escape(title(evaluation.license), longest=80)
    if evaluation.card is not None and workspace_url is not None:
        name = f"<{permalink(evaluation.card, workspace_url)}|{name}>"
    parts = (
        f"• {name}",
        evaluation.trial.upgrade_to and f"upgrade to {escape(evaluation.trial.upgrade_to, longest=60)}",
        _state(evaluation),
        mention(evaluation.owner) if evaluation.owner else "no owner",
        line.mailed and "emailed",
        line.is_blocked and "do not contact",
    )
    return "  ·  ".join(part for part in parts if part)


def _state(evaluation: Evaluation) -> str:
    trial, ends = evaluation.trial, known_end(evaluation)
    if trial.state is State.RUNNING and ends is not None:
        return f"until {day(ends)}"
    bought = "bought" if is_sold(evaluation.license.license_type) else "licensed"
    return {State.RUNNING: "running", State.CONVERTED: bought, State.EXPIRED: "ended", State.CANCELLED: "cancelled"}[
        trial.state
    ]
