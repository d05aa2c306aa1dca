"""The services that listeners call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from bot.services.dnc import DoNotContact
from bot.services.mail.outreach import Outreach
from bot.services.operations.health import Health
from bot.services.slack_delivery.cards import Cards
from bot.services.team.ownership import Ownership
from bot.services.team.permissions import Permissions
from bot.services.team.today import TodayList
from bot.slack.client.web_client import SlackClient
from bot.slack.views.modal_metadata import ModalMetadata

M = TypeVar("M", bound=ModalMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerServices:
    """The services behind the buttons, and the clock for “how long ago”."""

    permissions: Permissions
    cards: Cards
    dnc: DoNotContact
    today: TodayList
    health: Health
    outreach: Outreach
    ownership: Ownership
    slack: SlackClient
    workspace_url: Callable[[], str | None]
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


async def placed(services: ListenerServices, metadata: M) -> M:
    """Return the metadata with the evaluation that the card shows. Raises CardUnknown if that is not known."""
    return replace(metadata, evaluation_id=await services.cards.evaluation_on(metadata.evaluation_id, metadata.place))
