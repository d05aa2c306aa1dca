"""`/evaluators dnc …`: do-not-contact marks by what is typed."""

from collections.abc import Sequence

from bot.domain.consent import Cause, Subject
from bot.listeners.deps import Deps
from bot.services.actors import Right
from bot.slack import answers, dnc
from bot.slack.blocks import Message, note_message


class DncListeners:
    """Lists, says, sets and lifts marks."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def typed(self, user: str, words: Sequence[str]) -> Message:
        """The answer to what somebody typed after `dnc`."""
        match words:
            case []:
                await self._deps.actors.admit(user, Right.READ)
                return dnc.list_message(await self._deps.consent.all_standing())
            case [verb, whom, *why] if verb.lower() in {"add", "lift"}:
                subject = Subject.read(whom)
                if subject is None:
                    return note_message(dnc.NOT_A_SUBJECT)
                change = self._add if verb.lower() == "add" else self._lift
                return await change(user, subject, " ".join(why)) if why else note_message(dnc.WHY)
            case [whom] if (subject := Subject.read(whom)) is not None:
                await self._deps.actors.admit(user, Right.READ)
                return dnc.standing_message(subject, await self._deps.consent.against(subject))
            case _:
                return note_message(dnc.NOT_A_SUBJECT)

    async def _add(self, user: str, subject: Subject, note: str) -> Message:
        await self._deps.actors.admit(user, Right.TAKE)
        marked = await self._deps.consent.add(subject, cause=Cause.ASKED, note=note, by=user)
        return note_message(answers.marked(marked.opt_out, won=marked.won, now=self._deps.clock()))

    async def _lift(self, user: str, subject: Subject, note: str) -> Message:
        await self._deps.actors.admit(user, Right.OUTREACH)
        found = await self._deps.consent.take_back(subject, note=note, by=user)
        return note_message(answers.lifted(found.by, found.at, found.stands, won=found.won, now=self._deps.clock()))
