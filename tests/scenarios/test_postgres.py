"""The same on PostgreSQL, for those who have no disk; a real server, made for the test and gone after it."""

from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.postgres import needs_a_server
from tests.world import TODAY, World

ANA, BEN = "U0ANA", "U0BEN"

pytestmark = needs_a_server


async def test_the_main_job_on_postgresql(here: World, postgres: str) -> None:
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(database_url=postgres):
        card = await here.card(NORTHWIND.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.write(ANA, card)
        await here.is_sending(ANA)
        await here.shows("sent *Welcome*", on=card)
        await here.workspace.press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "ASKED"}})
        await here.shows("*Do not contact*", on=card)
        await here.workspace.command(BEN, "/evaluators today")
        await here.notified(BEN, "do not contact")
    async with here.bot(database_url=postgres):
        pass
    assert len(here.mailbox.mails) == 1
    assert len(here.workspace.calls("chat.postMessage")) == 5  # card, words of the first run, three notes
