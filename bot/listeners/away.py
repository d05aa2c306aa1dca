"""`/evaluators away` and `back`, and what becomes of the evaluations of somebody who goes away."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import InteractionUnreadable
from bot.listeners.modal_calls import open_modal
from bot.listeners.respond import reply
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import Message
from bot.slack.ids import Field
from bot.slack.views import away, submissions
from bot.slack.views.away import HandOverForm


def is_deactivation(event: Mapping[str, Any]) -> bool:
    """Return whether an event says that an account was deactivated. Every change of a profile sends one, too."""
    return event.get("type") == "user_change" and bool(event["user"].get("deleted"))


class AwayListeners:
    """Handles what people say about their absences."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def left(self, user: str, until: date | None) -> Message:
        """Record that somebody is away, and return the answer."""
        found = await self._services.away.begin(user, until=until)
        return away.away_message(until=found.until, owned=found.owned)

    async def returned(self, user: str) -> Message:
        """Record that somebody is back, and return the answer."""
        return away.back_message(was_away=await self._services.away.end(user))

    async def keep(self, args: AsyncArgs) -> None:
        """Leave the evaluations as they are."""
        await reply(args, self._services.slack, away.kept_message(), replaces=True)

    async def deactivated(self, args: AsyncArgs) -> None:
        """Take the running evaluations from somebody whose account was deactivated."""
        await self._services.rotation.release_all(args.body["event"]["user"]["id"])

    async def hand_over(self, args: AsyncArgs) -> None:
        """Open the form that hands over."""
        form = HandOverForm(channel=args.context.channel_id or "")
        await open_modal(self._services, args.body.get("trigger_id", ""), away.hand_over_form(form))

    async def handed_over(self, args: AsyncArgs) -> None:
        """Give all running evaluations of the person to the one that they chose."""
        user, to = args.body["user"]["id"], submissions.values(args.body["view"]).get(Field.OWNER)
        if to is None:
            raise InteractionUnreadable
        await self._services.permissions.require(user, Permission.EDIT)
        count = await self._services.away.hand_over(user, to)
        await reply(args, self._services.slack, away.handed_over(count, to))
