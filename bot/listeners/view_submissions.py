"""Submitted modals."""

from typing import Any

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import ContactRole
from bot.domain.mail_policy import Refused
from bot.listeners.respond import read_form, reply, reply_if_stale
from bot.listeners.services import ListenerServices, M, name_evaluation, placed
from bot.services.team.permissions import Permission
from bot.slack.ids import Field, View
from bot.slack.views import replies, submissions
from bot.slack.views.modal_metadata import AssignMetadata, ContactAgainMetadata, ModalMetadata


class FormListeners:
    """Handles what people fill in. Permission is checked again: a modal can stay open for days."""

    def __init__(self, services: ListenerServices) -> None:
        self._services = services

    async def do_not_contact(self, args: AsyncArgs) -> None:
        """Block the address."""
        metadata, filled = await self._read(args, ModalMetadata)
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        added = await self._services.dnc.add_for_contact(
            metadata.evaluation_id,
            role=ContactRole(filled.get(Field.RECIPIENT, ContactRole.TECHNICAL)),
            reason=DncReason[filled[Field.REASON]],
            note=filled.get(Field.NOTE, ""),
            by=user,
        )
        now = self._services.clock()
        about = await name_evaluation(self._services, metadata.evaluation_id)
        if isinstance(added, Refused):
            await reply(args, self._services.slack, replies.refused(added, now=now, about=about))
        else:
            await reply(args, self._services.slack, replies.blocked(added, now=now, about=about))

    async def contact_again(self, args: AsyncArgs) -> None:
        """Lift the entry, unless somebody lifted or changed it while the modal was open."""
        metadata, filled = await self._read(args, ContactAgainMetadata)
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.CONTACT)
        lifted = await self._services.dnc.lift_for_evaluation(
            metadata.evaluation_id,
            set_at=metadata.added_at,
            note=filled.get(Field.NOTE, ""),
            by=user,
        )
        about = "" if lifted.changed else await name_evaluation(self._services, metadata.evaluation_id)
        await reply(args, self._services.slack, replies.lifted(lifted, now=self._services.clock(), about=about))

    async def check_owner(self, args: AsyncArgs) -> dict[str, Any]:
        """Keep the form open if the chosen person cannot own an evaluation."""
        view = args.body["view"]
        owner, block_id = submissions.values(view).get(Field.OWNER), submissions.field_of(view, Field.OWNER)
        if owner is None or block_id is None:
            return {}
        problem = await self._services.permissions.why_not_owner(owner)
        return {} if problem is None else submissions.errors({block_id: problem})

    async def unknown(self, args: AsyncArgs) -> None:
        """Answer a form that this version does not know. A message modal has nothing to submit."""
        if args.body["view"]["callback_id"] != View.MESSAGE:
            await reply(args, self._services.slack, replies.OLD_FORM)

    async def assign(self, args: AsyncArgs) -> None:
        """Set the owner, unless somebody changed it while the modal was open."""
        metadata, filled = await self._read(args, AssignMetadata)
        user = args.body["user"]["id"]
        await self._services.permissions.require(user, Permission.EDIT)
        owned = await self._services.ownership.assign(
            metadata.evaluation_id, filled[Field.OWNER], instead_of=metadata.owner, by=user
        )
        await reply_if_stale(args, self._services, owned, metadata.evaluation_id)

    async def _read(self, args: AsyncArgs, kind: type[M]) -> tuple[M, dict[Field, str]]:
        metadata, filled = read_form(args, kind)
        return await placed(self._services, metadata), filled
