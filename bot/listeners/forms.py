"""The modals, while they are filled in and when they are sent."""

from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.consent import Cause
from bot.domain.policy import Refused
from bot.listeners.deps import Deps, placed, read_form, tell, tell_if_lost
from bot.services.actors import Right
from bot.slack import answers
from bot.slack.ids import Field
from bot.slack.modals import About


class FormListeners:
    """What happens with what people fill in. Whether they may is asked again: a modal can stay open for days."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def do_not_contact(self, args: AsyncArgs) -> None:
        """Mark the address."""
        about, filled = await self._read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.TAKE)
        marked = await self._deps.consent.mark(
            about.evaluation_id,
            role=filled.get(Field.RECIPIENT, ""),
            cause=Cause[filled[Field.REASON]],
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
        about, filled = await self._read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.OUTREACH)
        lifted = await self._deps.consent.lift(
            about.evaluation_id,
            set_at=datetime.fromisoformat(about.seen or ""),
            note=filled.get(Field.NOTE, ""),
            by=user,
        )
        await tell(
            args,
            self._deps.poster,
            answers.lifted(lifted.by, lifted.at, lifted.stands, won=lifted.won, now=self._deps.clock()),
        )

    async def assign(self, args: AsyncArgs) -> None:
        """Set the owner, unless somebody changed it while the modal was open."""
        about, filled = await self._read(args)
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.TAKE)
        owned = await self._deps.ownership.assign(
            about.evaluation_id, filled[Field.OWNER], instead_of=about.seen, by=user
        )
        await tell_if_lost(args, self._deps, owned)

    async def _read(self, args: AsyncArgs) -> tuple[About, dict[Field, str]]:
        about, filled = read_form(args)
        return await placed(self._deps, about), filled
