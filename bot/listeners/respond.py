"""Answer one person, by whatever way Slack still allows."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Final

import aiohttp
import structlog
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import DispositionChange, OwnerChange
from bot.errors import InteractionUnreadable, SlackError
from bot.listeners.services import ListenerServices, M, name_evaluation
from bot.slack.blocks import Message, note_message
from bot.slack.client.payload import was_acknowledged
from bot.slack.client.response_url import respond
from bot.slack.client.web_client import SlackClient
from bot.slack.ids import Field
from bot.slack.views import replies, submissions
from bot.slack.views.away import HandOverForm
from bot.slack.views.dnc_forms import DncRequest
from bot.slack.views.modal_metadata import ModalMetadata

log = structlog.get_logger()

_RESPONSE_URL_TIMEOUT_S: Final = 10.0


async def reply(args: AsyncArgs, slack: SlackClient, answer: Message | str, *, replaces: bool = False) -> None:
    """Answer the person who pressed, and nobody else. A str must be escaped mrkdwn.

    With `replaces`, the answer replaces the ephemeral message whose button was pressed, if there is one. If the
    response URL fails, the answer is sent as an ephemeral message in the channel, and if that fails, as a direct
    message. An answer that reaches nobody is logged.
    """
    # In a block, Slack makes no links of its own out of names.
    message = note_message(answer) if isinstance(answer, str) else answer
    url = args.context.response_url
    if url is not None and await _respond(args, url, message, replaces=replaces):
        return
    user, channel = args.context.user_id, args.context.channel_id or _channel_of_view(args.body)
    if user is None:
        log.warning("answer_lost", reason="Slack did not say who pressed.")
        return
    if channel and await _is_sent(slack.post_ephemeral(channel, user, message), "answer_not_ephemeral"):
        return
    await _is_sent(slack.write_to(user, message), "answer_lost")


async def _respond(args: AsyncArgs, url: str, message: Message, *, replaces: bool) -> bool:
    try:
        async with asyncio.timeout(_RESPONSE_URL_TIMEOUT_S):
            answer = await respond(args.client, url, message, replaces=replaces)
    except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
        log.warning("response_url_failed", error=type(exc).__name__)
        return False
    if was_acknowledged(answer.status_code, answer.body):
        return True
    log.warning("response_url_refused", status=answer.status_code)
    return False


async def _is_sent(sending: Awaitable[None], otherwise: str) -> bool:
    try:
        await sending
    except SlackError as exc:
        log.warning(otherwise, reason=str(exc))
        return False
    return True


async def reply_if_stale(
    args: AsyncArgs, services: ListenerServices, owned: OwnerChange | None, evaluation_id: int
) -> None:
    """Answer only if the change of owner came too late: otherwise the card shows it."""
    answer = await why_lost(services, owned, evaluation_id)
    if answer is not None:
        await reply(args, services.slack, answer)


async def why_lost(
    services: ListenerServices, change: OwnerChange | DispositionChange | None, evaluation_id: int
) -> str | None:
    """Return the answer to a change that came too late, or None if it did not."""
    if change is None:
        return replies.GONE
    if change.changed:
        return None
    about, now = await name_evaluation(services, evaluation_id), services.clock()
    match change:
        case OwnerChange(owner=owner, since=since):
            return replies.lost(owner, since, now=now, about=about)
        case DispositionChange():
            return replies.too_late(change, now=now, about=about)


def read_form(args: AsyncArgs, kind: type[M]) -> tuple[M, dict[Field, str]]:
    """Return the modal's metadata and the values filled in. Raises InteractionUnreadable if anything required is
    missing.
    """
    view = args.body.get("view") or {}
    if args.body.get("type") == "view_submission" and submissions.incomplete(view):
        raise InteractionUnreadable
    return kind.unpack(view.get("private_metadata", "")), submissions.values(view)


def _channel_of_view(body: dict[str, Any]) -> str | None:
    packed = (body.get("view") or {}).get("private_metadata", "")
    for kind in (ModalMetadata, DncRequest, HandOverForm):
        with suppress(InteractionUnreadable):
            return kind.unpack(packed).channel
    return None
