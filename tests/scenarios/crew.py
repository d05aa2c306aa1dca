"""A team that wants to get its work done, however often the bot is killed, and what must be true in the end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from bot.demo.fake_slack import Message, NotPossible
from bot.demo.scenario.sample_data import Customer
from tests.machine import limit
from tests.world import World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"


async def work(here: World, customer: Customer, *, jobs: Sequence[str] = ("claim", "mail", "mark")) -> None:
    """Claim the card, email the person, block them: whichever of it the card does not show yet."""
    await here.until(lambda: _cards(here, customer))
    for job in jobs:
        await _JOBS[job](here, customer)


async def insist(here: World, customer: Customer, *, jobs: Sequence[str] = ("claim", "mail", "mark")) -> None:
    """The same, and again, as people do when nothing happened."""
    for patience in range(3):
        with suppress(NotPossible, TimeoutError):
            return await asyncio.wait_for(work(here, customer, jobs=jobs), timeout=limit(10))
        assert patience < 2, f"{customer.company}: {jobs} cannot be done"
    return None


async def done(here: World, customer: Customer, job: str, *, or_told: str | None = None) -> None:
    """Wait until the card shows that something was done, or the person is told why it was not."""

    def is_told() -> bool:
        said = [message.shown for user in (ANA, BEN, CHIKA) for message in here.workspace.ephemerals(user)]
        return or_told is not None and any(or_told in shown for shown in said)

    await here.until(lambda: _DONE[job](_card(here, customer)) or is_told())


async def _claim(here: World, customer: Customer) -> None:
    card = _card(here, customer)
    if not _DONE["claim"](card):
        await here.workspace.press(ANA, card, "evaluation.claim")
        await done(here, customer, "claim")


async def _mail(here: World, customer: Customer) -> None:
    card = _card(here, customer)
    if not _DONE["mail"](card):
        await here.write(BEN, card)  # if one is on its way already, this one is refused
        await done(here, customer, "mail")


async def _mark(here: World, customer: Customer) -> None:
    card = _card(here, customer)
    if not _DONE["mark"](card):
        await here.workspace.press(CHIKA, card, "evaluation.do_not_contact")
        form = await here.modal(CHIKA, "opt_out.reason")
        await here.workspace.submit(CHIKA, form.id, {"opt_out.reason": {"opt_out.reason": "ASKED"}})
        await done(here, customer, "mark")


_JOBS = {"claim": _claim, "mail": _mail, "mark": _mark}
_DONE: Mapping[str, Callable[[Message], bool]] = {
    "claim": lambda card: "Owner: <@" in card.shown,
    "mail": lambda card: "sent *Welcome*" in card.shown,
    "mark": lambda card: "*Do not contact*" in card.shown,
}


def _card(here: World, customer: Customer) -> Message:
    [card] = _cards(here, customer)
    return card


def _cards(here: World, customer: Customer) -> list[Message]:
    """What is about a customer alone; a digest names many, but not in its text."""
    return [message for message in here.workspace.messages() if customer.company in message.text]


def nothing_is_lost_or_doubled(here: World, customer: Customer, *, jobs: Sequence[str]) -> None:
    """One card that shows all that was done, each thing said once in its thread, one mail at most."""
    card = _card(here, customer)
    said = here.thread(card)
    times = {
        "claim": sum("claimed this" in line for line in said),
        "mark": sum("blocked the contact" in line for line in said),
        "mail": sum("sent *Welcome*" in line for line in said),
    }
    assert times == {job: int(job in jobs) for job in times}, said
    mails = [mail for mail in here.mailbox.mails if mail["to"] == [customer.email]]
    assert len(mails) <= ("mail" in jobs), [(mail["subject"], mail["date"]) for mail in mails]
    if "mail" in jobs and not mails:
        assert "don't know whether it arrived" in card.shown
