"""No press goes unanswered, whatever goes wrong behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import cast

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.app.components import open_components
from bot.demo.fake_slack import faults
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.listeners.middleware import Listener, ListenerMiddleware
from bot.services.interactions import InteractionDeduplicator
from bot.slack import ids
from bot.slack.client.acknowledgement import sending
from bot.slack.ids import View
from tests.world import TODAY, World

ANA = "U0ANA"


@pytest.fixture
async def guard(here: World) -> AsyncIterator[ListenerMiddleware]:
    """A guard, and an app that can be reached through the socket."""
    async with open_components(here.settings()) as parts:
        guard = ListenerMiddleware(parts.slack, InteractionDeduplicator(parts.store, clock=here.clock))
        app = AsyncApp(client=parts.client)
        app.command(ids.COMMAND)(guard(_whatever_the_test_says(here)))
        socket = AsyncSocketModeHandler(app, here.workspace.app_token)
        await socket.connect_async()  # type: ignore[no-untyped-call]  # Bolt's adapter has no types
        await here.until(lambda: here.workspace.sockets)
        yield guard
        await socket.close_async()  # type: ignore[no-untyped-call]  # as above


def _whatever_the_test_says(here: World) -> Listener:
    async def listener(args: AsyncArgs) -> None:
        await here.addresses["listener"](args)

    return listener


async def _type(here: World, listener: Listener) -> None:
    here.addresses["listener"] = listener
    await here.workspace.command(ANA, ids.COMMAND)


async def test_an_error_nobody_foresaw_is_acknowledged_and_answered_with_a_reference(
    here: World, guard: ListenerMiddleware, logged: Callable[[], str]
) -> None:
    async def breaks(_args: AsyncArgs) -> None:
        raise RuntimeError("ana@northwind.test")

    await _type(here, breaks)
    await here.notified(ANA, "Something went wrong on our side")
    [answer] = here.workspace.ephemerals(ANA)
    assert "northwind" not in answer.shown
    assert answer.shown.split("`")[1] in logged()


async def test_draining_waits_for_what_is_under_way_and_counts_what_is_not_done(
    here: World, guard: ListenerMiddleware
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(args: AsyncArgs) -> None:
        await args.ack()
        begun.set()
        await go_on.wait()

    await _type(here, slow)
    await begun.wait()
    assert await guard.drain(0.01) == 1
    go_on.set()
    assert await guard.drain(5) == 0


async def test_a_modal_is_changed_only_after_the_acknowledgement_that_shows_it_has_left(
    here: World, guard: ListenerMiddleware
) -> None:
    async def acknowledge(**_response: object) -> None:
        order.append("acknowledged")

    async def pushes(_args: AsyncArgs) -> dict[str, str]:
        return {"response_action": "push"}

    async def listener(_args: AsyncArgs) -> None:
        order.append("changed")

    order: list[str] = []
    body = {"type": "view_submission", "trigger_id": "t", "view": {"callback_id": View.EMAIL.value}}
    with sending() as context:
        args = SimpleNamespace(ack=acknowledge, body=body, context=context)
        task = asyncio.ensure_future(guard(listener, check=pushes)(cast(AsyncArgs, args)))
        await here.until(lambda: order)
        await asyncio.sleep(0)
        order.append("left")
    await task
    assert order == ["acknowledged", "left", "changed"]


@pytest.mark.parametrize(
    ("method", "fault", "words"),
    [
        ("views.open", faults.refuse("expired_trigger_id"), "press again"),
        ("views.open", faults.refuse("internal_error"), "Slack had trouble"),
        ("views.open", faults.cut_before(), "Slack did not answer"),
    ],
)
async def test_a_modal_that_cannot_be_opened_is_answered_with_what_to_do(
    here: World, method: str, fault: faults.Fault, words: str
) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        here.workspace.faults.add(method, fault)
        await here.workspace.press(ANA, card, "evaluation.email")
        await here.notified(ANA, words)


async def test_a_modal_that_cannot_be_filled_says_why_where_the_person_looks(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        here.workspace.faults.add("users.info", faults.refuse("missing_scope"))
        await here.workspace.press(ANA, card, "evaluation.email")
        await here.modal(ANA, "manifest.yml")
