"""The services that listeners call."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from bot.concurrency.tasks import BackgroundTasks
from bot.domain.card import title
from bot.services.dnc import DoNotContact
from bot.services.inbound.feedback import FeedbackDesk
from bot.services.mail.outreach import Outreach
from bot.services.operations.health import Health
from bot.services.slack_delivery.cards import Cards
from bot.services.team.away import Away
from bot.services.team.digests import OwnDigests
from bot.services.team.follow_up import FollowUp
from bot.services.team.home import HomeTabs
from bot.services.team.lists import Lists
from bot.services.team.ownership import Ownership
from bot.services.team.permissions import Permissions
from bot.services.team.reports import TeamReports
from bot.services.team.rotation import OwnerRotation
from bot.services.team.team_file import TeamFileEditor
from bot.slack.client.web_client import SlackClient
from bot.slack.text import escape
from bot.slack.views.modal_metadata import ModalMetadata

M = TypeVar("M", bound=ModalMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerServices:
    """The services behind the buttons, and the clock for “how long ago”."""

    permissions: Permissions
    cards: Cards
    dnc: DoNotContact
    lists: Lists
    reports: TeamReports
    home: HomeTabs
    own_digests: OwnDigests
    health: Health
    away: Away
    outreach: Outreach
    ownership: Ownership
    rotation: OwnerRotation
    follow_up: FollowUp
    feedback: FeedbackDesk
    team_file: TeamFileEditor
    slack: SlackClient
    workspace_url: Callable[[], str | None]
    clock: Callable[[], datetime]
    reactions: bool = False
    """Whether reactions on cards do something."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    background: BackgroundTasks = field(default_factory=BackgroundTasks)
    """What goes on after an interaction was answered."""


async def placed(services: ListenerServices, metadata: M) -> M:
    """Return the metadata with the evaluation that the card shows. Raises CardUnknown if that is not known."""
    return replace(metadata, evaluation_id=await services.cards.evaluation_on(metadata.evaluation_id, metadata.place))


async def name_evaluation(services: ListenerServices, evaluation_id: int) -> str:
    """Return company and app, in mrkdwn, for an answer that is far from the card. Empty if it is not on record."""
    evaluation = await services.ownership.evaluation(evaluation_id)
    if evaluation is None:
        return ""
    return f"{escape(title(evaluation.license), longest=80)} · {escape(evaluation.license.app_name, longest=80)}"
