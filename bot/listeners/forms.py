"""The modals, while they are filled in and when they are sent."""

from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.card import Reply
from bot.domain.policy import Refused
from bot.listeners.cards import draft_modal
from bot.listeners.deps import Deps, tell, tell_if_lost
from bot.listeners.mails import words
from bot.services.actors import Right
from bot.slack import answers, modals
from bot.slack.ids import Field
from bot.slack.modals import About


class FormListeners:
    """What happens with what people fill in. Whether they may is asked again: a modal can stay open for days."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def choosing(self, args: AsyncArgs) -> None:
        """Another template or recipient was chosen: fill the words in anew."""
        about, chosen = _read(args)
        draft = await self._deps.outreach.draft(
            about.evaluation_id,
            sender_name=await self._deps.actors.admit(args.body["user"]["id"], Right.OUTREACH),
            template=chosen.get(Field.TEMPLATE),
            recipient=chosen.get(Field.RECIPIENT),
        )
        modal = draft_modal(draft, about, now=self._deps.clock())
        await self._deps.poster.change_modal(args.body["view"]["id"], modal)

    async def email(self, args: AsyncArgs) -> None:
        """Send the mail, and say how it went.

        Not in the modal: an answer by the Web API and the one in the acknowledgement may reach Slack in either order.
        """
        about, filled = _read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.OUTREACH)
        outcome = await self._deps.outreach.send(
            about.evaluation_id,
            template=filled.get(Field.TEMPLATE, ""),
            recipient=filled.get(Field.RECIPIENT, ""),
            subject=filled.get(Field.SUBJECT, ""),
            body=filled.get(Field.BODY, ""),
            by=user,
        )
        await tell(args, self._deps.poster, words(outcome, now=self._deps.clock()))

    async def do_not_contact(self, args: AsyncArgs) -> None:
        """Mark the address."""
        about, filled = _read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.TAKE)
        marked = await self._deps.consent.mark(
            about.evaluation_id,
            role=filled.get(Field.RECIPIENT, ""),
            reason=Reply[filled[Field.REASON]],
            note=filled.get(Field.NOTE, ""),
            by=user,
        )
        now = self._deps.clock()
        if isinstance(marked, Refused):
            await tell(args, self._deps.poster, answers.refused(marked, now=now))
        else:
            await tell(args, self._deps.poster, answers.marked(marked.opt_out, won=marked.won, now=now))

    async def contact_again(self, args: AsyncArgs) -> None:
        """Lift the mark, unless somebody lifted or changed it while the modal was open."""
        about, filled = _read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.OUTREACH)
        lifted = await self._deps.consent.lift(
            about.evaluation_id,
            set_at=datetime.fromisoformat(about.seen or ""),
            note=filled.get(Field.NOTE, ""),
            by=user,
        )
        late = answers.not_lifted(lifted.by, lifted.at, now=self._deps.clock())
        await tell(args, self._deps.poster, answers.LIFTED if lifted.won else late)

    async def assign(self, args: AsyncArgs) -> None:
        """Set the owner, unless somebody changed it while the modal was open."""
        about, filled = _read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.TAKE)
        owned = await self._deps.ownership.assign(
            about.evaluation_id, filled[Field.OWNER], instead_of=about.seen, by=user
        )
        await tell_if_lost(args, self._deps, owned)


def _read(args: AsyncArgs) -> tuple[About, dict[Field, str]]:
    view = args.body["view"]
    return About.unpack(view["private_metadata"]), modals.values(view)
