"""What listeners call on, and how they answer one person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.services.actors import Actors
from bot.services.cards import Cards
from bot.services.consent import Consent
from bot.services.daily import Daily
from bot.services.health import Health
from bot.services.outreach import Outreach
from bot.services.ownership import Ownership
from bot.slack import answers, modals
from bot.slack.blocks import Message, note_message
from bot.slack.ids import Field
from bot.slack.modals import About
from bot.slack.poster import Poster
from bot.store.evaluations import Owned


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """The services behind the buttons, and the clock by which answers say how long ago something was."""

    actors: Actors
    cards: Cards
    consent: Consent
    daily: Daily
    health: Health
    outreach: Outreach
    ownership: Ownership
    poster: Poster
    workspace_url: str
    clock: Callable[[], datetime]


async def tell(args: AsyncArgs, poster: Poster, answer: Message | str, *, replaces: bool = False) -> None:
    """Say something to the person who pressed, and to nobody else. A text is mrkdwn, escaped.

    It `replaces` words to them alone whose button was pressed, where that is so.
    """
    # In a block Slack makes no links of its own out of names.
    message = note_message(answer) if isinstance(answer, str) else answer
    if args.context.response_url is not None and await _responded(args, message, replaces=replaces):
        return
    channel = args.context.channel_id or _channel_of_view(args.body)
    if channel is not None and args.context.user_id is not None:
        await poster.whisper(channel, args.context.user_id, message)


async def _responded(args: AsyncArgs, message: Message, *, replaces: bool) -> bool:
    try:
        answer = await args.respond(
            text=message.text, blocks=message.blocks, response_type="ephemeral", replace_original=replaces
        )
    except (aiohttp.ClientError, TimeoutError):
        return False
    return answer.status_code == HTTPStatus.OK


async def tell_if_lost(args: AsyncArgs, deps: Deps, owned: Owned | None) -> None:
    """After a change of owner: the card shows who it is, so only whoever came late needs a word."""
    if owned is None:
        await tell(args, deps.poster, answers.GONE)
    elif not owned.won:
        await tell(args, deps.poster, answers.lost(owned.owner, owned.since, now=deps.clock()))


def read_form(args: AsyncArgs) -> tuple[About, dict[Field, str]]:
    """What a modal is about, and what was filled in."""
    view = args.body["view"]
    return About.unpack(view["private_metadata"]), modals.values(view)


async def placed(deps: Deps, about: About) -> About:
    """Return the same about the evaluation that the card shows, whatever its buttons say. CardUnknown."""
    return replace(about, evaluation_id=await deps.cards.evaluation_on(about.evaluation_id, about.place))


def _channel_of_view(body: dict[str, Any]) -> str | None:
    metadata = (body.get("view") or {}).get("private_metadata")
    return About.unpack(metadata).channel if metadata else None
