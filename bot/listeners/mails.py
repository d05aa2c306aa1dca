"""The buttons under a mail of which nobody knows whether it arrived."""

from datetime import datetime

from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.domain.policy import Refused
from bot.listeners.deps import Deps, tell
from bot.services.actors import Right
from bot.services.outreach import NotSent, Outcome, Sent
from bot.slack import answers
from bot.store.mails import Verdict


class MailListeners:
    """What happens when somebody says how a mail ended. One of those who press decides; the others are told who."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def arrived(self, args: AsyncArgs) -> None:
        """Take their word for it."""
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.OUTREACH)
        settled = await self._deps.outreach.confirm(_mail(args), by=user)
        await tell(args, self._deps.poster, words(settled, now=self._deps.clock()))

    async def again(self, args: AsyncArgs) -> None:
        """Send it once more, word for word."""
        user = args.body["user"]["id"]
        await self._deps.actors.admit(user, Right.OUTREACH)
        outcome = await self._deps.outreach.send_again(_mail(args), by=user)
        await tell(args, self._deps.poster, words(outcome, now=self._deps.clock()))


def words(outcome: Outcome | Verdict | None, *, now: datetime) -> str:
    """How it went, for the person who asked for it."""
    match outcome:
        case Sent(contact=contact):
            return answers.sent(contact.name, contact.email)
        case NotSent(why=why, unsure=unsure):
            return answers.not_sent(why, unsure=unsure)
        case Refused():
            return answers.refused(outcome, now=now)
        case Verdict(won=won, state=state, by=by, at=at):
            return answers.settled(state, by=by, at=at, won=won, now=now)
        case None:
            return answers.GONE


def _mail(args: AsyncArgs) -> int:
    return int(args.body["actions"][0]["value"])
