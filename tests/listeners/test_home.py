"""The Home tab as a person meets it: opened, claimed from, asked for a report."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.demo.fake_slack.models import User
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"


async def opened(here: World, user: str, words: str) -> None:
    """Open the Home tab and wait until it shows these words."""
    await here.workspace.open_home(user)
    await shows(here, user, words)


async def shows(here: World, user: str, words: str) -> None:
    await here.until(lambda: user in here.workspace.homes and words in here.workspace.homes[user].shown)


@pytest.fixture
async def at_work(here: World, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """The bot with one card, reached over a socket, or over HTTP where a test asks for it."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    changes = {"slack_app_token": None} if getattr(request, "param", "socket") == "http" else {}
    async with here.bot(**changes):
        here.workspace.request_url = f"http://127.0.0.1:{here.port}/slack/events"
        await here.card("Northwind")
        yield here


async def test_a_trial_is_claimed_from_it_and_the_loser_reads_who_won(at_work: World) -> None:
    here = at_work
    await opened(here, ANA, "*Nobody's*  ·  1")
    await opened(here, BEN, "*Nobody's*  ·  1")
    [claim] = [block["accessory"]["action_id"] for block in here.workspace.homes[ANA].blocks if "accessory" in block]
    before = here.workspace.homes[BEN].id
    await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, claim)
    await here.card(f"Owner: <@{ANA}>")
    if here.workspace.homes[BEN].id == before:
        await here.workspace.press_view(BEN, before, claim)
        await here.until(lambda: any(f"<@{ANA}>" in each.shown for each in here.workspace.direct(BEN)))
    await shows(here, ANA, "*Mine*  ·  1")


@pytest.mark.parametrize("at_work", ["socket", "http"], indirect=True)
async def test_a_report_comes_as_a_direct_message(at_work: World) -> None:
    here = at_work
    await opened(here, ANA, "Licenses report read")
    await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, "home.report")
    form = await here.modal(ANA, "report.kind")
    await here.workspace.submit(ANA, form.id, {"report.kind": {"report.kind": "speed"}})
    await here.until(lambda: any("Speed · since" in each.shown for each in here.workspace.direct(ANA)))


async def test_a_guest_reads_one_sentence(at_work: World) -> None:
    here = at_work
    here.workspace.add_user(User(id="U0EVE", name="eve", real_name="Eve", is_guest=True))
    await opened(here, "U0EVE", "guests can read along")
    assert len(here.workspace.homes["U0EVE"].blocks) == 1


async def test_who_goes_away_is_asked_about_what_they_own_and_comes_back(at_work: World) -> None:
    here = at_work
    await here.workspace.press(ANA, await here.card("Northwind"), "evaluation.claim")
    await opened(here, ANA, "I'm away…")
    await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, "home.away")
    form = await here.modal(ANA, "away.until")
    answer = await here.workspace.submit(ANA, form.id, {"away.until": {"away.until": "2026-11-22"}})
    assert "a later day" in answer["errors"]["away.until"]
    await here.workspace.submit(ANA, form.id, {"away.until": {"away.until": "2026-11-30"}})
    await here.until(lambda: any("Hand over…" in each.shown for each in here.workspace.direct(ANA)))
    await shows(here, ANA, "I'm back")
    await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, "home.back")
    await here.until(lambda: any("Welcome back" in each.shown for each in here.workspace.direct(ANA)))


async def test_an_evaluator_is_found_from_it(at_work: World) -> None:
    here = at_work
    await opened(here, ANA, "Find…")
    await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, "home.find")
    await here.modal(ANA, "find.words")


async def test_ones_own_digest_is_switched_on_and_off_there(here: World) -> None:
    def said(words: str) -> bool:
        return any(words in each.shown for each in here.workspace.direct(ANA))

    async with here.bot() as parts:
        await opened(here, ANA, "Get my digest")
        for label, answer, people in (("Stop", "at 09:00 on working days", {ANA}), ("Get", "digest is off", set())):
            await here.workspace.press_view(ANA, here.workspace.homes[ANA].id, "home.digest")
            await shows(here, ANA, f"{label} my digest")
            await here.until(partial(said, answer))
            assert set(await parts.store.digests.people()) == people
