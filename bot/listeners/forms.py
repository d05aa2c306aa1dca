"""The modals, while they are filled in and when they are sent."""

from typing import assert_never

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Reply
from bot.domain.policy import Refused
from bot.listeners.cards import draft_modal
from bot.listeners.deps import Deps, tell, tell_if_lost
from bot.services.outreach import NotSent, Outcome, Sent
from bot.slack import answers, modals
from bot.slack.ids import Field
from bot.slack.modals import About


class FormListeners:
    """What happens with what people fill in."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def choosing(self, args: AsyncArgs) -> None:
        """Another template or recipient was chosen: fill the words in anew."""
        await args.ack()
        view = args.body["view"]
        about, chosen = About.unpack(view["private_metadata"]), modals.values(view)
        draft = await self._deps.outreach.draft(
            about.evaluation_id,
            sender_name=await self._deps.poster.person_name(args.body["user"]["id"]),
            template=chosen.get(Field.TEMPLATE),
            recipient=chosen.get(Field.RECIPIENT),
        )
        await self._deps.poster.change_modal(view["id"], draft_modal(draft, about))

    async def email(self, args: AsyncArgs) -> None:
        """Send the mail, and say how it went.

        Not in the modal: an answer by the Web API and the one in the acknowledgement may reach Slack in either order.
        """
        about, filled = self._read(args)
        if blank := modals.blank(args.body["view"]):
            await args.ack(response_action="errors", errors=blank)
            return
        await args.ack()
        outcome = await self._deps.outreach.send(
            about.evaluation_id,
            template=filled.get(Field.TEMPLATE, ""),
            recipient=filled.get(Field.RECIPIENT, ""),
            subject=filled.get(Field.SUBJECT, ""),
            body=filled.get(Field.BODY, ""),
            by=args.body["user"]["id"],
        )
        await tell(args, self._deps.poster, _words(outcome))

    async def do_not_contact(self, args: AsyncArgs) -> None:
        """Mark the address."""
        about, filled = self._read(args)
        await args.ack()
        marked = await self._deps.consent.mark(
            about.evaluation_id,
            role=filled.get(Field.RECIPIENT, ""),
            reason=Reply[filled[Field.REASON]],
            note=filled.get(Field.NOTE, ""),
            by=args.body["user"]["id"],
        )
        if isinstance(marked, Refused):
            await tell(args, self._deps.poster, answers.refused(marked))
        else:
            words = answers.marked(marked.opt_out, won=marked.won, now=self._deps.clock())
            await tell(args, self._deps.poster, words)

    async def contact_again(self, args: AsyncArgs) -> None:
        """Lift the mark."""
        about, filled = self._read(args)
        await args.ack()
        lifted = await self._deps.consent.lift(
            about.evaluation_id, note=filled.get(Field.NOTE, ""), by=args.body["user"]["id"]
        )
        await tell(args, self._deps.poster, answers.LIFTED if lifted else answers.NOT_MARKED)

    async def assign(self, args: AsyncArgs) -> None:
        """Set the owner, unless somebody changed it while the modal was open."""
        about, filled = self._read(args)
        await args.ack()
        owned = await self._deps.ownership.assign(
            about.evaluation_id, filled[Field.OWNER], instead_of=about.owner, by=args.body["user"]["id"]
        )
        await tell_if_lost(args, self._deps, owned)

    def _read(self, args: AsyncArgs) -> tuple[About, dict[Field, str]]:
        view = args.body["view"]
        return About.unpack(view["private_metadata"]), modals.values(view)


def _words(outcome: Outcome) -> str:
    match outcome:
        case Sent(contact=contact):
            return answers.sent(contact.name, contact.email)
        case NotSent(why=why, unsure=unsure):
            return answers.not_sent(why, unsure=unsure)
        case Refused():
            return answers.refused(outcome)
        case _:
            assert_never(outcome)
