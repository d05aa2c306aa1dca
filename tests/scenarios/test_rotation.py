"""New evaluations get their owner by rotation, and lose one who leaves."""

from dataclasses import replace

from bot.demo.fake_slack import CHANNEL, faults
from bot.demo.fake_slack.state import PEOPLE
from bot.demo.scenario.sample_data import KIWI, LANTERNS, NORTHWIND, license_record
from bot.domain.team_settings import RotationMember, RotationRule, TeamSettings
from bot.services.team.permissions import FRESH
from bot.slack.ids import AwayButton
from bot.store import open_store
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"
BEN_NOW = next(person for person in PEOPLE if person.id == BEN)


async def take_turns(here: World) -> None:
    """Let Ana and Ben take evaluations in turn."""
    settings, rule = here.settings(), RotationRule(members=(RotationMember(ANA), RotationMember(BEN)))
    async with open_store(settings.database_url, secret_keys=settings.secret_key) as store:
        await store.team.change_settings(TeamSettings(rotation=(rule,)), by=ANA, at=here.clock())


async def test_two_evaluations_of_one_poll_go_to_two_people_and_the_cards_say_why(here: World) -> None:
    await take_turns(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.marketplace.add(license_record(2, LANTERNS, KIWI, TODAY))
    async with here.bot():
        cards = [await here.card(customer.company) for customer in (NORTHWIND, KIWI)]
        owners = set()
        for card in cards:
            shown = await here.shows("assigned by rotation", on=card)
            owners |= {user for user in (ANA, BEN) if f"Owner: <@{user}>" in shown.shown}
            await here.noted("it was their turn in the rotation.", under=card)
        assert owners == {ANA, BEN}


async def test_who_is_away_or_not_in_the_channel_gets_none_and_the_thread_says_why(here: World) -> None:
    await take_turns(here)
    here.workspace.channels[CHANNEL].strangers.add(BEN)
    async with here.bot() as parts:
        await here.workspace.command(ANA, "/evaluators away until 2026-11-27")
        await here.notified(ANA, "You're away through 27 Nov 2026. If you are back sooner, type `/evaluators back`.")
        here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
        await parts.poller.poll()
        card = await here.card(NORTHWIND.company)
        await here.noted("nobody in the rotation is available (1 away, 1 not in this channel).", under=card)
        assert "No owner yet" in (await here.card(NORTHWIND.company)).shown
        await here.workspace.command(ANA, "/evaluators back")
        await here.notified(ANA, "Welcome back.")
        here.marketplace.add(license_record(2, LANTERNS, KIWI, TODAY))
        await parts.poller.poll()
        await here.shows(f"Owner: <@{ANA}>", on=await here.card(KIWI.company))


async def test_while_slack_cannot_say_who_is_there_evaluations_wait_for_their_owner(here: World) -> None:
    await take_turns(here)
    here.workspace.faults.add("conversations.members", faults.server_error(), times=1)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as parts:
        card = await here.card(NORTHWIND.company)
        here.marketplace.add(license_record(2, LANTERNS, KIWI, TODAY))
        await parts.poller.poll()
        await here.shows("assigned by rotation", on=card)


async def test_an_owner_whose_account_is_deactivated_loses_what_runs(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(BEN, card, "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card)
        await here.workspace.deactivate(BEN)
        await here.shows("No owner yet", on=card)


async def test_an_owner_whose_account_was_deactivated_meanwhile_loses_it_at_the_start(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(BEN, card, "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card)
    here.workspace.add_user(replace(BEN_NOW, deleted=True))
    here.pass_by(seconds=2 * FRESH.total_seconds())
    async with here.bot():
        await here.shows("No owner yet", on=card)
        await here.noted(f"<@{BEN}> has no active account any more, so this has no owner now.", under=card)


async def test_who_goes_away_is_asked_what_becomes_of_their_trials(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.workspace.command(ANA, "/evaluators away")
        await here.notified(ANA, "You still own 1 running trial")
        [asked] = here.workspace.ephemerals(ANA)
        await here.workspace.press(ANA, asked, AwayButton.HAND_OVER)
        form = await here.modal(ANA, "New owner")
        await here.workspace.submit(ANA, form.id, {"owner": {"owner": BEN}})
        await here.notified(ANA, f"1 trial handed over to <@{BEN}>.")
        await here.shows(f"Owner: <@{BEN}>, assigned by <@{ANA}>", on=card)
        await here.workspace.press(ANA, asked, AwayButton.KEEP)
        await here.notified(ANA, "You keep your trials while you are away.")
