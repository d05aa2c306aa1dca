"""The Home tab, and what is pressed on it."""

from collections.abc import Mapping
from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.away import AwayCommand, read_away
from bot.domain.commands import CommandProblem
from bot.domain.report_request import ReportKind, ReportRequest
from bot.errors import InteractionUnreadable, NotAllowed
from bot.listeners.modal_calls import open_modal
from bot.listeners.respond import reply_if_stale
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.client.payload import read_id
from bot.slack.ids import Field
from bot.slack.views import away, home_forms, replies, submissions
from bot.slack.views.digest import own_digest_message
from bot.slack.views.home import ON
from bot.slack.views.report import report_message


class HomeListeners:
    """Handles the Home tab."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def opened(self, args: AsyncArgs) -> None:
        """Publish the Home tab of a person who opened it. Guests read why it is empty."""
        event = args.body["event"]
        if event.get("tab") != "home":
            return
        try:
            await self._services.permissions.require(event["user"], Permission.VIEW)
        except NotAllowed as exc:
            await self._services.home.close(event["user"], replies.problem(exc))
        else:
            await self._services.home.open(event["user"])

    async def claimed(self, args: AsyncArgs) -> None:
        """Make the person who pressed the owner."""
        user, evaluation_id = args.body["user"]["id"], read_id(args.body["actions"][0].get("value"))
        if evaluation_id is None:
            raise InteractionUnreadable
        await self._services.permissions.require(user, Permission.EDIT)
        owned = await self._services.ownership.claim(evaluation_id, by=user)
        await reply_if_stale(args, self._services, owned, evaluation_id)
        await self._services.home.refresh(user)

    async def asked_for_report(self, args: AsyncArgs) -> None:
        """Ask which report is meant."""
        await open_modal(self._services, args.body.get("trigger_id", ""), home_forms.report_form())

    async def report_chosen(self, args: AsyncArgs) -> None:
        """Send the report as a direct message: a modal takes no charts."""
        user, filled = args.body["user"]["id"], submissions.values(args.body["view"])
        await self._services.permissions.require(user, Permission.VIEW)
        request = ReportRequest(kind=ReportKind(filled.get(Field.REPORT, ReportKind.CONVERSION)))
        report = await self._services.reports.report(request)
        if isinstance(report, CommandProblem):
            raise InteractionUnreadable
        await self._services.slack.write_to(user, report_message(report))

    async def going_away(self, args: AsyncArgs) -> None:
        """Ask until when the person is away."""
        await open_modal(self._services, args.body.get("trigger_id", ""), home_forms.away_form())

    async def check_day(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the form open if the day is past, or too far ahead."""
        view = args.body["view"]
        block_id = submissions.field_of(view, Field.UNTIL)
        if self._until(view) is not None or block_id is None:
            return {}
        return submissions.errors({block_id: "Choose today or a later day, at most a year ahead."})

    async def went_away(self, args: AsyncArgs) -> None:
        """Record the absence, and ask what to do with what the person owns."""
        user, read = args.body["user"]["id"], self._until(args.body["view"])
        await self._services.permissions.require(user, Permission.EDIT)
        found = await self._services.away.begin(user, until=None if read is None else read.until)
        await self._services.slack.write_to(user, away.away_message(until=found.until, owned=found.owned))
        await self._services.home.refresh(user)

    async def came_back(self, args: AsyncArgs) -> None:
        """Record that the person is back."""
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        await self._services.slack.write_to(user, away.back_message(was_away=await self._services.away.end(user)))
        await self._services.home.refresh(user)

    async def switched_digest(self, args: AsyncArgs) -> None:
        """Switch the person's own digest on or off, and say what happens next."""
        user, is_on = args.body["user"]["id"], args.body["actions"][0].get("value") == ON
        await self._services.permissions.require(user, Permission.VIEW)
        at = await self._services.own_digests.switch(user, on=is_on)
        await self._services.slack.write_to(user, own_digest_message(at))
        await self._services.home.refresh(user)

    def _until(self, view: Mapping[str, Any]) -> AwayCommand | None:
        return read_away(submissions.values(view).get(Field.UNTIL, ""), today=self._services.lists.today())
