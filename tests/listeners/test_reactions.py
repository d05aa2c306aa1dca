"""Reactions on a card."""

import pytest

from bot.demo.fake_slack import CHANNEL
from bot.demo.fake_slack.models import User
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.reactions import Reaction, read_reaction
from tests.world import TODAY, World

ANA, BEN, EVE = "U0ANA", "U0BEN", "U0EVE"
ON = {"reactions": "on"}


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("eyes", Reaction.CLAIM),
        ("white_check_mark::skin-tone-3", Reaction.DONE),
        ("no_bell", Reaction.SNOOZE),
        ("tada", None),
        ("", None),
    ],
)
def test_three_reactions_do_something(name: str, does: Reaction | None) -> None:
    assert read_reaction(name) is does


async def test_eyes_claim_a_card_and_the_second_person_reads_who_was_first(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(**ON):
        card = await here.card(NORTHWIND.company)
        await here.workspace.react(ANA, card, "eyes")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.workspace.react(BEN, card, "eyes")
        await here.notified(BEN, f"<@{ANA}> became the owner")
        await here.workspace.react(ANA, card, "eyes::skin-tone-2")
        await here.workspace.react(ANA, card, "no_bell")
        await here.notified(ANA, "You get a direct message")
        assert not any("became the owner" in each.shown for each in here.workspace.ephemerals(ANA))


async def test_a_check_mark_says_done_once(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(**ON):
        card = await here.card(NORTHWIND.company)
        await here.workspace.react(ANA, card, "white_check_mark")
        await here.noted(f"<@{ANA}>", under=card)
        await here.workspace.react(BEN, card, "white_check_mark")
        await here.notified(BEN, f"<@{ANA}>")


async def test_reactions_elsewhere_and_other_ones_do_nothing(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(**ON):
        card = await here.card(NORTHWIND.company)
        said = await here.workspace.say(BEN, "Look at that", channel=CHANNEL)
        await here.workspace.react(ANA, said, "eyes")
        await here.workspace.react(ANA, card, "tada")
        await here.workspace.react(BEN, card, "eyes")
        await here.shows(f"Owner: <@{BEN}>", on=card)
    assert here.workspace.ephemerals(ANA) == []


async def test_guests_may_not_claim_by_a_reaction(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.workspace.add_user(User(id=EVE, name="eve", real_name="Eve", is_guest=True))
    async with here.bot(**ON):
        card = await here.card(NORTHWIND.company)
        await here.workspace.react(EVE, card, "eyes")
        await here.notified(EVE, "guests can read along")


async def test_without_the_setting_reactions_are_only_reactions(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.workspace.react(ANA, card, "eyes")
        await here.workspace.press(BEN, card, "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card)


async def test_the_scope_is_missed_only_where_reactions_do_something(here: World) -> None:
    here.workspace.keys.scopes -= {"reactions:read"}
    async with here.bot() as parts:
        assert (await parts.slack.identity()).scopes_missing == frozenset[str]()
    async with here.bot(**ON) as parts:
        assert (await parts.slack.identity()).scopes_missing == frozenset({"reactions:read"})
