"""Reactions on cards, if the settings allow them (`REACTIONS`). To remove one undoes nothing."""

from datetime import datetime
from typing import assert_never

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.evaluation import CardRef, State
from bot.domain.reactions import Reaction, read_reaction
from bot.domain.snooze import SnoozeChoice
from bot.listeners.respond import reply, why_lost
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.views import replies


class ReactionListeners:
    """Handles reactions. Only the person who reacted is answered, and only if it did nothing or was a snooze."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def added(self, args: AsyncArgs) -> None:
        """Do what a reaction on a card says."""
        event = args.body["event"]
        item, reaction = event.get("item") or {}, read_reaction(str(event.get("reaction") or ""))
        if not self._services.reactions or reaction is None or not (item.get("channel") and item.get("ts")):
            return
        card = CardRef(channel=item["channel"], ts=item["ts"])
        evaluation_id = await self._services.cards.shown_on(card)
        if evaluation_id is None:
            return
        await self._services.permissions.require(event["user"], Permission.EDIT)
        answer = await self._act(reaction, evaluation_id, by=event["user"])
        if answer is not None:
            await reply(args, self._services.slack, answer)

    async def _act(self, reaction: Reaction, evaluation_id: int, *, by: str) -> str | None:
        match reaction:
            case Reaction.DONE | Reaction.SNOOZE if await self._is_expected(evaluation_id):
                return replies.NO_LICENSE_YET
            case Reaction.CLAIM:
                owned = await self._services.ownership.claim(evaluation_id, by=by)
                if owned is not None and owned.owner == by:
                    return None
                return await why_lost(self._services, owned, evaluation_id)
            case Reaction.DONE:
                done = await self._services.follow_up.done(evaluation_id, by=by)
                return await why_lost(self._services, done, evaluation_id)
            case Reaction.SNOOZE:
                return await self._snooze(evaluation_id, by=by)
            case _:
                assert_never(reaction)

    async def _is_expected(self, evaluation_id: int) -> bool:
        """Return whether the card is an early one, which offers *Claim* alone."""
        evaluation = await self._services.ownership.evaluation(evaluation_id)
        return evaluation is not None and evaluation.trial.state is State.EXPECTED

    async def _snooze(self, evaluation_id: int, *, by: str) -> str:
        follow_up = self._services.follow_up
        until = await follow_up.time_of(evaluation_id, SnoozeChoice.TOMORROW, None, by=by)
        if not isinstance(until, datetime):
            return replies.snooze_refused(until)
        return replies.snoozed(until) if await follow_up.snooze(evaluation_id, until, by=by) else replies.TRIAL_OVER
