"""One bot for all tests of a module: its start takes longer than what most of them do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.app.components import Components
from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.world import TODAY, World, world


@dataclass(kw_only=True)
class SharedWorld:
    """A bot at work, and cards that no test has used yet."""

    here: World
    parts: Components
    unused: list[Message]

    def card(self) -> Message:
        """A card for one test alone."""
        return self.unused.pop()

    def tidy(self) -> None:
        """Leave nothing of a test to the next one: no fault, no open modal, no answer, nothing that the bot remembers
        for some minutes.
        """
        slack = self.here.workspace
        slack.faults.clear()
        slack.requests.clear()
        slack.clear_answers()
        self.here.pass_by(minutes=10)


@asynccontextmanager
async def shared_world(folder: Path, *, cards: int, **changes: object) -> AsyncIterator[SharedWorld]:
    """A bot with so many cards, which nobody owns, and with these settings changed."""
    async with world(folder) as here:
        for number in range(1, cards + 1):
            here.marketplace.add(license_record(number, LANTERNS, NORTHWIND, TODAY))
        async with here.bot(**changes) as parts:
            await here.until(lambda: len(_cards(here)) == cards)
            yield SharedWorld(here=here, parts=parts, unused=_cards(here))


def _cards(here: World) -> list[Message]:
    """Without the words of the first run, which come before or after them."""
    return [message for message in here.workspace.messages() if NORTHWIND.company in message.shown]
