"""What the team does on a card beside emailing, by hand: notes, done, snoozes, not for us, and undo."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.app.components import Components
from bot.demo.fake_slack import Message, faults
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.services.team.permissions import FRESH
from bot.slack.ids import Field, NoteButton
from tests.log_watch import WATCH
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"


@pytest.fixture
async def parts(here: World) -> AsyncIterator[Components]:
    """The bot at work on the card of one trial."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot() as found:
        yield found


@pytest.fixture
async def card(here: World, parts: Components) -> Message:
    del parts
    return await here.card(NORTHWIND.company)


async def fill(here: World, user: str, field: Field, value: str, **more: str) -> dict[str, object]:
    """Fill in and submit the form with this field; the app's answer."""
    form = await here.modal(user, field)
    entered = {Field.__members__[name].value: each for name, each in more.items()}
    return await here.workspace.submit(
        user, form.id, {name: {name: each} for name, each in {field.value: value, **entered}.items()}
    )


async def test_a_note_is_written_edited_by_its_author_only_and_deleted(here: World, card: Message) -> None:
    WATCH.keep_private("a note", ["They *called*", "They wrote"])
    await here.choose(BEN, card, "evaluation.note")
    await fill(here, BEN, Field.NOTE_TEXT, "They *called*")
    await here.noted("They *called*", under=card)
    [line] = here.workspace.thread(card.channel, card.ts)
    await here.workspace.press(ANA, line, NoteButton.EDIT)
    await here.notified(ANA, "Only the person who wrote a note can change it.")
    await here.workspace.press(BEN, line, NoteButton.EDIT)
    await fill(here, BEN, Field.NOTE_TEXT, "They wrote")
    await here.noted("They wrote", under=card)
    await here.workspace.press(BEN, line, NoteButton.DELETE)
    await here.noted("deleted their note", under=card)
    assert len(here.thread(card)) == 1


async def test_done_and_not_for_us_are_undone_with_one_press(here: World, card: Message) -> None:
    await here.choose(ANA, card, "evaluation.done")
    await here.shows(f"*Done*: <@{ANA}> spoke to them elsewhere", on=card)
    await here.choose(BEN, card, "evaluation.undo")
    await here.hides("*Done*", on=card)
    await here.noted(f"<@{BEN}> undid *Done*", under=card)
    await here.choose(ANA, card, "evaluation.not_for_us")
    await fill(here, ANA, Field.NOT_FOR_US, "competitor", NOT_FOR_US_WORDS="They sell lamps")
    await here.shows("*Not for us*: competitor", on=card)
    await here.noted("They sell lamps", under=card)
    await here.choose(ANA, card, "evaluation.undo")
    await here.hides("*Not for us*", on=card)


async def test_what_the_menu_has_no_room_for_is_in_a_window(here: World, card: Message) -> None:
    await here.workspace.press(ANA, card, "evaluation.claim")
    await here.shows("Owner", on=card)
    await here.choose(ANA, card, "evaluation.release")
    await here.shows("No owner yet", on=card)
    await here.notified(ANA, "Saved.")
    await here.workspace.press(BEN, card, "evaluation.claim")
    await here.shows("Owner", on=card)
    await here.choose(ANA, card, "evaluation.assign")
    await fill(here, ANA, Field.OWNER, ANA)
    await here.shows(f"Owner: <@{ANA}>", on=card)


async def test_a_snooze_is_picked_refused_after_the_end_and_ends_with_one_message(
    here: World, parts: Components, card: Message
) -> None:
    await here.choose(ANA, card, "evaluation.snooze")
    form = await here.modal(ANA, Field.SNOOZE)
    await here.workspace.press_view(ANA, form.id, Field.SNOOZE, "pick")
    await here.modal(ANA, Field.SNOOZE_TIME)
    for late, said in ((timedelta(days=-1), "This time is over"), (timedelta(days=60), "The trial ends on")):
        at = str(int((here.clock() + late).timestamp()))
        answer = await fill(here, ANA, Field.SNOOZE_TIME, at)
        assert said in str(answer["errors"])
    at = str(int((here.clock() + timedelta(days=2)).timestamp()))
    await fill(here, ANA, Field.SNOOZE_TIME, at)
    await here.shows("Snoozed by", on=card)
    here.pass_by(days=2)
    for _ in range(2):
        await parts.store.snoozes.remind(now=here.clock())
    await here.at_rest(parts)
    await here.hides("Snoozed by", on=card)
    [reminder] = here.workspace.direct(ANA)
    await here.workspace.press(ANA, reminder, "evaluation.snooze")
    await fill(here, ANA, Field.SNOOZE, "hour")
    await here.shows("Snoozed by", on=card)
    await here.workspace.press(ANA, reminder, "evaluation.email")
    await here.modal(ANA, "mail.body")
    await here.choose(ANA, card, "evaluation.undo")
    await here.hides("Snoozed by", on=card)


async def test_while_slack_hangs_a_snooze_is_acknowledged_in_time_by_the_clock_of_the_team(
    here: World, card: Message
) -> None:
    await here.choose(ANA, card, "evaluation.snooze")
    await here.modal(ANA, Field.SNOOZE)
    here.clock.now += FRESH
    here.workspace.faults.add("users.info", faults.hang_after(), times=9)
    assert await fill(here, ANA, Field.SNOOZE, "tomorrow") == {}
    await here.shows("Snoozed by", on=card)
