"""People look for a customer, from anywhere in Slack."""

import pytest

from bot.demo.fake_slack import Message, NotPossible
from bot.demo.fake_slack.models import User
from bot.demo.scenario.sample_data import COMPASS, LANTERNS, NORTHWIND, VISTULA, license_record
from tests.world import TODAY, World

ANA, EVE = "U0ANA", "U0EVE"


@pytest.fixture
def trials(here: World) -> None:
    """Two customers."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    here.marketplace.add(license_record(2, COMPASS, VISTULA, TODAY))


async def looked_for(here: World, words: str) -> None:
    """Type words into the form that a person looks at."""
    form = await here.modal(ANA, "find.words")
    [block] = [block["block_id"] for block in form.blocks if block["type"] == "input"]
    await here.workspace.submit(ANA, form.id, {block: {"find.words": words}})


@pytest.mark.usefixtures("trials")
async def test_find_an_evaluator_answers_in_its_window_as_often_as_one_likes(here: World) -> None:
    async with here.bot():
        await here.card(NORTHWIND.company)
        await here.card(VISTULA.company)
        await here.workspace.use_shortcut(ANA, "find_evaluator")
        await looked_for(here, NORTHWIND.company.split()[0].lower())
        await here.modal(ANA, f"|{NORTHWIND.company}>")
        await looked_for(here, f"{VISTULA.email} state:running")
        await here.modal(ANA, f"|{VISTULA.company}>")
        await looked_for(here, "acme colour:red")
        await here.modal(ANA, "Did you mean `country:`?")
        await looked_for(here, "nobody")
        await here.modal(ANA, "Nothing found.")
    assert here.workspace.ephemerals(ANA) == []


@pytest.mark.usefixtures("trials")
async def test_who_is_this_reads_a_message_or_the_card_that_it_is(here: World) -> None:
    async with here.bot():
        await here.card(VISTULA.company)
        card = await here.card(NORTHWIND.company)
        await here.workspace.use_shortcut(ANA, "who_is_this", card)
        await here.modal(ANA, f"|{NORTHWIND.company}>")
        for text, found in (
            (f"Did {VISTULA.email} call?", f"|{VISTULA.company}>"),
            (f"They are at https://{NORTHWIND.site}.atlassian.net/browse/X", f"|{NORTHWIND.company}>"),
            (f"somebody of {VISTULA.company}, I think", f"|{VISTULA.company}>"),
            ("hello", "This message names no company"),
        ):
            said = await here.workspace.say(ANA, text)
            await here.workspace.use_shortcut(ANA, "who_is_this", said)
            await here.modal(ANA, found)


@pytest.mark.usefixtures("trials")
async def test_a_guest_finds_nothing(here: World) -> None:
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        here.workspace.add_user(User(id=EVE, name="eve", real_name="Eve", is_guest=True))
        for shortcut, message in (("find_evaluator", None), ("who_is_this", card)):
            await here.workspace.use_shortcut(EVE, shortcut, message)
            await here.modal(EVE, "guests can read along")
            await here.workspace.close_view(EVE, here.workspace.views[EVE][-1].id)


@pytest.mark.usefixtures("trials")
async def test_slack_offers_no_shortcut_where_it_has_none(here: World) -> None:
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.workspace.command(ANA, "/evaluators help")
        await here.notified(ANA, "understands")
        [answer] = here.workspace.ephemerals(ANA)
        for shortcut, message in (
            ("find_evaluator", card),
            ("who_is_this", None),
            ("x", None),
            ("who_is_this", answer),
        ):
            with pytest.raises(NotPossible):
                await here.workspace.use_shortcut(ANA, shortcut, message)


async def answers(here: World, question: Message) -> list[str]:
    """What is answered to a question in its thread."""
    return await here.until(lambda: here.thread(question))


@pytest.mark.usefixtures("trials")
async def test_a_question_to_the_bot_is_answered_in_its_thread_without_contacts(here: World) -> None:
    async with here.bot():
        await here.card(VISTULA.company)
        await here.card(NORTHWIND.company)
        name = VISTULA.company.split()[0]
        asked = await here.workspace.say(ANA, f"@Evaluator Bot who is {name.lower()}?")
        [answer] = await answers(here, asked)
        assert f"|{VISTULA.company}>" in answer
        assert VISTULA.email not in answer
        asked = await here.workspace.say(ANA, f"@Evaluator Bot did {NORTHWIND.email} write?")
        assert f"|{NORTHWIND.company}>" in (await answers(here, asked))[0]
        asked = await here.workspace.say(ANA, "@Evaluator Bot hello!")
        assert "who is acme?" in (await answers(here, asked))[0]
        assert here.workspace.ephemerals(ANA) == []


@pytest.mark.usefixtures("trials")
async def test_a_guest_who_asks_gets_no_answer_and_a_question_delivered_again_gets_no_second(here: World) -> None:
    async with here.bot():
        here.workspace.add_user(User(id=EVE, name="eve", real_name="Eve", is_guest=True))
        ignored = await here.workspace.say(EVE, "@Evaluator Bot who is acme?")
        asked = await here.workspace.say(ANA, "@Evaluator Bot who is acme?")
        await answers(here, asked)
        await here.workspace.redeliver()
        again = await here.workspace.say(ANA, "@Evaluator Bot who is acme?")
        await answers(here, again)
        assert (here.thread(ignored), len(here.thread(asked))) == ([], 1)


async def test_without_the_scope_the_admins_hear_once_what_is_off(here: World) -> None:
    lacking = {"app_mentions:read", "usergroups:read"}
    here.workspace.keys.scopes -= lacking
    for _ in range(2):
        async with here.bot(slack_admins=ANA) as parts:
            await here.until(lambda: here.workspace.direct(ANA))
            await here.at_rest(parts)
            await here.workspace.say(ANA, "@Evaluator Bot who is acme?")
    [alert] = here.workspace.direct(ANA)
    assert "I can't answer when somebody mentions me" in alert.shown
    assert "I can't see who is in the user groups that may email" in alert.shown
    assert "lacks the scopes app_mentions:read, usergroups:read." in alert.shown
    here.workspace.keys.scopes |= lacking
    async with here.bot(slack_admins=ANA):
        await here.until(lambda: len(here.workspace.direct(ANA)) > 1)
    assert "has all its scopes now" in here.workspace.direct(ANA)[-1].shown
