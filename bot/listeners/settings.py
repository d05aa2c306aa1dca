"""The team's settings, as the Home tab lets admins edit them."""

from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.errors import NotAllowed
from bot.listeners.modal_calls import open_modal
from bot.listeners.services import ListenerServices
from bot.services.team.permissions import Permission
from bot.slack.blocks import note_message
from bot.slack.ids import Field
from bot.slack.views import modals, settings_form, submissions


class SettingsListeners:
    """Opens the form and takes what an admin writes. Who is an admin is checked at every step."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services
        self._file = services.team_file

    async def asked(self, args: AsyncArgs) -> None:
        """Open the form with the settings as they are."""
        await self._require(args.body["user"]["id"])
        found = await self._file.read()
        if len(found.text) > settings_form.LONGEST:
            form = modals.message(settings_form.TOO_LONG)
        else:
            form = settings_form.settings_form(found.text, version=found.version)
        await open_modal(self._services, args.body.get("trigger_id", ""), form)

    async def check(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the form open, with what is written in it, if a line is wrong or somebody else was faster."""
        view = args.body["view"]
        block_id = submissions.field_of(view, Field.SETTINGS)
        problems = self._file.problems(submissions.values(view).get(Field.SETTINGS, ""))
        if not problems and not await self._file.is_current(str(view.get("private_metadata") or "")):
            problems = (settings_form.CHANGED_MEANWHILE,)
        if not problems or block_id is None:
            return {}
        return submissions.errors({block_id: settings_form.field_error(problems)})

    async def saved(self, args: AsyncArgs) -> None:
        """Replace the settings, and tell the admin what follows."""
        view, user = args.body["view"], args.body["user"]["id"]
        await self._require(user)
        text = submissions.values(view).get(Field.SETTINGS, "")
        changes = await self._file.replace(text, version=str(view.get("private_metadata") or ""), by=user)
        if changes is None:
            answer = note_message(settings_form.CHANGED_MEANWHILE)
        else:
            answer = settings_form.changed_message(changes)
        await self._services.slack.write_to(user, answer)
        await self._services.home.refresh(user)

    async def _require(self, user: str) -> None:
        await self._services.permissions.require(user, Permission.EDIT)
        if not self._file.may_edit(user):
            raise NotAllowed(settings_form.ONLY_ADMINS)
