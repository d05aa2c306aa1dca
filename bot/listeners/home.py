"""The Home tab, and what is pressed on it."""

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.commands import CommandProblem
from bot.domain.report import ReportKind, ReportRequest
from bot.errors import InteractionUnreadable, NotAllowed
from bot.listeners.modal_calls import open_modal
from bot.listeners.respond import reply_if_stale
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.client.payload import read_id
from bot.slack.ids import Field
from bot.slack.views import replies, submissions
from bot.slack.views.report import report_message
from bot.slack.views.report_form import report_form


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
        await open_modal(self._services, args.body.get("trigger_id", ""), report_form())

    async def report_chosen(self, args: AsyncArgs) -> None:
        """Send the report as a direct message: a modal takes no charts."""
        user, filled = args.body["user"]["id"], submissions.values(args.body["view"])
        await self._services.permissions.require(user, Permission.VIEW)
        request = ReportRequest(kind=ReportKind(filled.get(Field.REPORT, ReportKind.CONVERSION)))
        report = await self._services.reports.report(request)
        if isinstance(report, CommandProblem):
            raise InteractionUnreadable
        await self._services.slack.write_to(user, report_message(report))
