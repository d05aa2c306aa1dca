"""What a team in Slack sees of the bot, measured at Slack's end: this process is the Slack workspace.

The bot runs in a process of its own; both are on this machine, so no network is measured.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.live import bot_at_work
from benchmarks.ours import CHANNEL, given
from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.demo.fake_slack import Message, NotPossible, Workspace
from bot.demo.fake_slack.models import User, elements
from bot.demo.fake_slack.rate_limits import POSTING
from bot.demo.scenario.sample_data import LANTERNS, Customer, license_record
from bot.domain.card import Action
from bot.slack.ids import MORE, Event, Field, read_option

_PATIENCE: Final = 60.0
"""Seconds that the bot has to start, and to finish what was pressed."""
_USERS: Final = tuple(f"U0BENCH{number:02}" for number in range(50))
_A_SECOND: Final = 20
"""Presses."""
_A_MODAL: Final = 4
"""One press in this many opens a modal; the others claim a card, or press *Done* or *Undo*."""
_MOST: Final = 0.99
_SETTLING: Final = 0.25
"""The share of the measurement that a bot gets beforehand for what it does once."""

Ask = Callable[[str], Awaitable[Any]]


async def pace(asked: argparse.Namespace) -> dict[str, Any]:
    """Many cards are due at once and Slack is as strict as it can be: measure how long until this many are posted."""
    async with _team(asked.store, trials=asked.due, rate_limits=True) as (workspace, _):
        await workspace.until(lambda: _posts(workspace), within=_PATIENCE)
        began = time.monotonic()
        await workspace.until(lambda: len(_posts(workspace)) >= asked.count, within=_PATIENCE + 2 * asked.count)
        seconds = time.monotonic() - began
        least = (asked.count - POSTING.burst) * 60 / POSTING.per_minute
        return {"posts": asked.count, "seconds": seconds, "least": least, "refused": workspace.limits.refused}


async def idle(asked: argparse.Namespace) -> dict[str, Any]:
    """Measure a bot while nothing happens."""
    async with _team(asked.store, trials=1, rate_limits=True) as (workspace, ask):
        await workspace.until(lambda: workspace.sockets and _cards(workspace), within=_PATIENCE)
        await asyncio.sleep(_SETTLING * asked.seconds)
        before, began = await ask("usage"), time.monotonic()
        await asyncio.sleep(asked.seconds)
        after, seconds = await ask("usage"), time.monotonic() - began
        return {"seconds": seconds, "share": (after["cpu"] - before["cpu"]) / seconds, "resident": after["resident"]}


async def interactions(asked: argparse.Namespace) -> dict[str, Any]:
    """A team works on its cards while the full report is read: measure acknowledgements and card updates."""
    workspace = new_workspace(rate_limits=False)
    for user in _USERS:
        workspace.add_user(User(id=user, name=user.lower(), real_name=user.title()))
    settings = given(asked.store, server=asked.server, rows=asked.rows)
    async with workspace.serve(), AsyncExitStack() as stack:
        settings |= slack_settings(workspace)
        # Without a socket of the leader's own, every press goes to the stand-by.
        leading = settings | {"slack_app_token": None} if asked.standby else settings
        ask = await stack.enter_async_context(bot_at_work(leading, "--unpaced", "--noon"))
        await workspace.until(lambda: len(_cards(workspace)) >= asked.cards, within=_PATIENCE)
        if asked.standby:
            await stack.enter_async_context(bot_at_work(settings, "--unpaced", "--noon"))
        await workspace.until(lambda: workspace.sockets, within=_PATIENCE)
        team = Team(workspace, _cards(workspace))
        sweeping = asyncio.ensure_future(ask("sweep"))
        await team.work(until=sweeping)
        swept = await sweeping
    if swept["rows"] < asked.rows:
        raise SystemExit(f"The sweep read {swept['rows']} of {asked.rows} licenses, so nothing was measured.")
    return {
        "swept": swept["seconds"],
        "presses": len(team.heard),
        "acknowledged": slow(team.heard),
        "slowest": max(team.heard),
        "repaints": len(team.repainted),
        "repainted": slow(team.repainted),
        "slowest_repaint": max(team.repainted),
    }


class Team:
    """Fifty people who press something now and then; `heard` and `repainted` are the seconds of each press."""

    def __init__(self, workspace: Workspace, cards: Sequence[Message]) -> None:
        self.heard: list[float] = []
        self.repainted: list[float] = []
        self._workspace = workspace
        self._cards = cards
        self._free = list(cards)
        """The cards that nobody waits for."""

    async def work(self, *, until: asyncio.Future[Any]) -> None:
        """Press at a steady rate, however long the bot takes with each."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as working:
            number = 0
            while not until.done():
                working.create_task(self._press(number))
                number += 1
                await asyncio.sleep(max(began + number / _A_SECOND - time.monotonic(), 0))

    async def _press(self, number: int) -> None:
        user = _USERS[number % len(_USERS)]
        if number % _A_MODAL == 0 or not self._free:
            await self._look(user, self._cards[number % len(self._cards)])
            return
        card = self._free.pop(0)
        await self._take(user, card)
        self._free.append(card)

    async def _look(self, user: str, card: Message) -> None:
        """Open the do-not-contact form, and close it again."""
        await self._heard(user, card, Action.DO_NOT_CONTACT)
        views = self._workspace.views
        view = await self._workspace.until(lambda: next(iter(views.get(user, [])), None), within=_PATIENCE)
        if view is not None:
            # Who opens two closes one of them first, perhaps before it is filled.
            await self._workspace.until(
                lambda: Field.REASON in str(view.blocks) or view not in views.get(user, []), within=_PATIENCE
            )
            with suppress(NotPossible):
                await self._workspace.close_view(user, view.id)

    async def _take(self, user: str, card: Message) -> None:
        """Claim a card, then press *Done* and *Undo* in turn."""
        began, before = time.monotonic(), _offered(card)
        if Action.CLAIM in before:
            await self._heard(user, card, Action.CLAIM)
        else:
            value = before.get(Action.UNDO) or before[Action.DONE]
            await self._heard(user, card, MORE, value)
        await self._workspace.until(lambda: _offered(card) != before, within=_PATIENCE)
        self.repainted.append(time.monotonic() - began)

    async def _heard(self, user: str, card: Message, action: str, value: str | None = None) -> None:
        began = time.monotonic()
        await self._workspace.press(user, card, action, value)
        self.heard.append(time.monotonic() - began)


@asynccontextmanager
async def _team(store: str, *, trials: int, rate_limits: bool) -> AsyncIterator[tuple[Workspace, Ask]]:
    """Start a bot with a new store and this many trials of today, and its workspace, by the machine's own clock."""
    today = datetime.now(UTC).date()
    workspace = new_workspace(rate_limits=rate_limits)
    marketplace = DemoMarketplace(today=lambda: today, export_polls=0)
    for number in range(trials):
        site = f"sample-{number}"
        customer = Customer(f"Sample {number} Ltd", "Kenya", "EMEA", site, "Ada Sample", f"ada@{site}.example")
        marketplace.add(license_record(number, LANTERNS, customer, today))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workspace.serve())
        reports = {
            "marketplace_api_url": await stack.enter_async_context(marketplace.serve()),
            "marketplace_developer_id": None,
            "marketplace_vendor_id": str(marketplace.vendor_id),
            "marketplace_user": marketplace.user,
            "marketplace_token": marketplace.token,
        }
        settings = given(store, server="", rows=0) | reports | slack_settings(workspace)
        yield workspace, await stack.enter_async_context(bot_at_work(settings))


def new_workspace(*, rate_limits: bool) -> Workspace:
    workspace = Workspace(rate_limits=rate_limits)
    workspace.add_channel(CHANNEL, "evaluations")
    return workspace


def slack_settings(workspace: Workspace) -> dict[str, object]:
    """Return the settings with which a bot finds the workspace."""
    return {
        "slack_bot_token": workspace.bot_token,
        "slack_app_token": workspace.app_token,
        "slack_signing_secret": workspace.signing_secret,
        "slack_api_url": workspace.api_url,
    }


def _cards(workspace: Workspace) -> list[Message]:
    return [each for each in _posts(workspace) if (each.metadata or {}).get("event_type") == Event.CARD]


def _posts(workspace: Workspace) -> list[Message]:
    return workspace.messages(CHANNEL)


def _offered(card: Message) -> dict[str, str]:
    """Return the value of each button and each option of a card, by its action."""
    shown = [element for _, element in elements(card.blocks)]
    buttons = {each["action_id"]: each["value"] for each in shown if each["type"] == "button"}
    options = [option["value"] for each in shown if each["action_id"] == MORE for option in each["options"]]
    return buttons | {read_option(value)[0]: value for value in options}


def slow(seconds: Sequence[float]) -> float:
    """Return the 99th percentile."""
    return sorted(seconds)[math.ceil(_MOST * len(seconds)) - 1]


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", required=True, help="a SQLite file, or the address of a PostgreSQL database")
    kinds = parser.add_subparsers(required=True)
    pacing = kinds.add_parser("pace")
    pacing.add_argument("--due", type=int, required=True, help="cards that are due at once")
    pacing.add_argument("--count", type=int, required=True, help="messages after which it is known how fast they go")
    pacing.set_defaults(measure=pace)
    pressing = kinds.add_parser("presses")
    pressing.add_argument("--server", required=True)
    pressing.add_argument("--rows", type=int, required=True, help="licenses that are swept meanwhile")
    pressing.add_argument("--cards", type=int, required=True, help="cards that are there to be pressed")
    pressing.add_argument("--standby", action="store_true", help="a second copy gets every press; it does not sweep")
    pressing.set_defaults(measure=interactions)
    idling = kinds.add_parser("idle")
    idling.add_argument("--seconds", type=float, required=True)
    idling.set_defaults(measure=idle)
    asked = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(asked.measure(asked))))


if __name__ == "__main__":
    main()
