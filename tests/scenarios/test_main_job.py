"""The main job, as the people in Slack live it: from the report to a card whose buttons work."""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo import fake_smtp
from bot.demo.fake_slack import Message
from bot.demo.scenario.sample_data import COMPASS, LANTERNS, NORTHWIND, ROCKET, TRAIL, VISTULA, license_record, sale
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"


@pytest.fixture
def trial(here: World) -> dict[str, object]:
    """A trial of today is in the report before the bot starts."""
    record = license_record(1, LANTERNS, NORTHWIND, TODAY)
    here.marketplace.add(record)
    return record


async def _card(here: World) -> Message:
    return await here.card(NORTHWIND.company)


async def test_a_new_evaluation_gets_one_card_that_says_who_what_and_until_when(
    here: World, trial: dict[str, object]
) -> None:
    async with here.bot():
        card = await _card(here)
    for words in (
        NORTHWIND.company,
        LANTERNS.name,
        NORTHWIND.email,
        "Ends 23 Dec 2026",
        "30 days left",
        "Jira",
    ):
        assert words in card.shown
    assert card.text == f"{NORTHWIND.company} is evaluating {LANTERNS.name}"
    assert card.metadata is not None
    assert card.metadata["event_type"] == "evaluation_card"
    assert card.metadata["event_payload"]["evaluation"] == 1


async def test_reading_the_report_again_and_again_announces_nothing_twice(
    here: World, trial: dict[str, object]
) -> None:
    async with here.bot() as parts:
        await _card(here)
        for _ in range(3):
            here.pass_by(hours=5)
            await parts.poller.poll()
    async with here.bot():
        pass
    assert len(here.workspace.calls("chat.postMessage")) == 2  # the card, the words of the first run


async def test_a_mail_goes_out_once_and_the_card_says_so(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        await here.write(ANA, card)
        await here.is_sending(ANA)
        await here.shows("<@U0ANA> sent *Welcome*", on=card)
        await here.noted("<@U0ANA> sent *Welcome*", under=card)
    [mail] = here.mailbox.mails
    assert mail["to"] == [NORTHWIND.email]
    assert LANTERNS.name in mail["subject"]


async def test_two_people_who_send_the_same_mail_at_once_send_one(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        for user in (ANA, BEN):
            await here.workspace.press(user, card, "evaluation.email")
            await here.workspace.submit(user, (await here.modal(user, "mail.body")).id)
        await asyncio.gather(*(here.send(user) for user in (ANA, BEN)))
        for user in (ANA, BEN):
            await here.notified(user, ":no_entry_sign: ", "Sent to")
        said = sorted(here.workspace.views[user][-1].shown for user in (ANA, BEN))
        await here.noted("sent *Welcome*", under=card)
    assert len(here.mailbox.mails) == 1
    [refused] = [each for each in said if "Sent to" not in each]
    assert re.search(r":no_entry_sign: .*This template .* for this evaluation.* \(<@U0(ANA|BEN)>", refused)


async def test_do_not_contact_stops_every_mail_to_the_address_and_every_card_of_it_shows_that(
    here: World, trial: dict[str, object]
) -> None:
    here.marketplace.add(license_record(2, TRAIL, NORTHWIND, TODAY))
    async with here.bot():
        card, other = await here.card(LANTERNS.name), await here.card(TRAIL.name)
        await here.workspace.press(BEN, other, "evaluation.email")
        letter = await here.modal(BEN, "mail.body")
        await here.workspace.press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "ASKED"}})
        for each in (card, other):
            shown = await here.shows("*Do not contact*", on=each)
            assert "evaluation.email" not in json.dumps(shown.blocks)
        await here.notified(ANA, "Blocked")
        await here.noted("<@U0ANA> blocked the contact", under=card)
        await here.workspace.submit(BEN, letter.id)
        await here.send(BEN)
        await here.notified(BEN, "do-not-contact")
        await here.noted("not allowed", under=other)
    assert here.mailbox.mails == []


async def test_an_entry_made_by_mistake_can_be_lifted_with_a_reason(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        await here.workspace.press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, {"opt_out.reason": {"opt_out.reason": "TEAM"}})
        card = await here.shows("*Do not contact*", on=card)
        await here.choose(BEN, card, "evaluation.contact_again")
        form = await here.modal(BEN, "can we contact them again")
        await here.workspace.submit(BEN, form.id, {"opt_out.note": {"opt_out.note": "They called"}})
        await here.notified(BEN, "Unblocked")
        await here.noted("They called", under=card)
        await here.until(lambda: "evaluation.email" in json.dumps(card.blocks))


async def test_of_two_who_claim_one_owns_it_and_the_other_learns_who(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        await asyncio.gather(*(here.workspace.press(user, card, "evaluation.claim") for user in (ANA, BEN)))
        shown = await here.shows("Owner: <@", on=card)
        winner, loser = (ANA, BEN) if f"Owner: <@{ANA}>" in shown.shown else (BEN, ANA)
        await here.notified(loser, f"<@{winner}> became the owner")
        await here.noted(f"<@{winner}> claimed this.", under=card)
    assert here.workspace.ephemerals(winner) == []


async def test_an_owner_can_be_changed_and_the_loser_of_the_race_learns_who_it_is(
    here: World, trial: dict[str, object]
) -> None:
    async with here.bot():
        card = await _card(here)
        forms = {}
        for user in (ANA, BEN):
            await here.workspace.press(user, card, "evaluation.more", "evaluation.assign:1")
            forms[user] = await here.modal(user, "owner")
        await here.workspace.submit(ANA, forms[ANA].id, {"owner": {"owner": CHIKA}})
        await here.shows(f"Owner: <@{CHIKA}>", on=card)
        await here.workspace.submit(BEN, forms[BEN].id, {"owner": {"owner": BEN}})
        await here.notified(BEN, f"<@{CHIKA}> became the owner")
        await here.noted(f"<@{ANA}> assigned this to <@{CHIKA}>.", under=card)
        await here.choose(CHIKA, card, "evaluation.release")
        await here.shows("No owner yet", on=card)


async def test_the_slash_command_lists_the_day_by_app_with_a_link_to_each_card(
    here: World, trial: dict[str, object]
) -> None:
    here.marketplace.add(license_record(2, COMPASS, VISTULA, TODAY))
    async with here.bot():
        card = await here.card(NORTHWIND.company)
        await here.card(VISTULA.company)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows("Owner", on=card)
        await here.workspace.command(BEN, "/evaluators today")
        await here.notified(BEN, "2 in all")
        [answer] = here.workspace.ephemerals(BEN)
    assert f"p{card.ts.replace('.', '')}|{NORTHWIND.company}>" in answer.shown
    assert answer.shown.index(COMPASS.name) < answer.shown.index(LANTERNS.name)
    assert f"30 days left  ·  running  ·  <@{ANA}>" in answer.shown


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/evaluators", "*Evaluator Bot* understands"),
        ("/evaluators help", "*Evaluator Bot* understands"),
        ("/evaluators tomorow", "Unknown command “tomorow”"),
        ("/evaluators today", "None yet"),
        ("/evaluators week colour:red", "Did you mean `country:`?"),
        ("/evaluators unowned app:gantt", "Your apps: none yet."),
        ("/evaluators find acme", "Nothing found."),
    ],
)
async def test_the_slash_command_always_answers(here: World, typed: str, answer: str) -> None:
    async with here.bot():
        await here.workspace.command(ANA, typed)
        await here.notified(ANA, answer)


async def test_a_long_day_is_paged(here: World) -> None:
    for number in range(20):
        here.marketplace.add(license_record(number, LANTERNS, VISTULA, TODAY))
    async with here.bot():
        await here.until(lambda: len(here.workspace.messages()) == 21)
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "Page 1 of 2")
        [answer] = here.workspace.ephemerals(ANA)
        await here.workspace.press(ANA, answer, "today.page.1")
        await here.notified(ANA, "Page 2 of 2")
        assert len(here.workspace.ephemerals(ANA)) == 1


async def test_what_happens_later_is_said_once_in_the_thread_and_shown_on_the_card(
    here: World, trial: dict[str, object]
) -> None:
    ref = str(trial["appEntitlementNumber"])
    async with here.bot() as parts:
        card = await _card(here)
        here.marketplace.change(ref, maintenanceEndDate=str(TODAY + timedelta(days=44)))
        await parts.poller.poll()
        await here.noted("extended to 6 Jan 2027, was 23 Dec 2026", under=card)
        await here.shows("44 days left", on=card)
        here.marketplace.change(ref, **sale(1, NORTHWIND, TODAY, TODAY))
        await parts.poller.poll()
        await here.noted("They bought the app", under=card)
        shown = await here.shows("They bought the app", on=card)
        assert "evaluation.email" not in json.dumps(shown.blocks)
        await parts.poller.poll()
    assert len(here.thread(card)) == 2


async def test_the_very_first_run_is_quiet_but_for_the_trials_of_the_last_days_and_one_summary(here: World) -> None:
    for number, age in enumerate((0, 1, 2, 20, 400)):
        here.marketplace.add(license_record(number, LANTERNS, VISTULA, TODAY - timedelta(days=age)))
    async with here.bot():
        summary = await here.card("for the first time")
        await here.until(lambda: len(here.workspace.messages()) == 3)
    assert "5 licenses, 5 evaluations. 2 trials started since 22 Nov 2026 and have a card here" in summary.shown


async def test_the_sample_page_gives_one_card_and_one_conversion_on_record(here: World) -> None:
    page = json.loads((Path(__file__).parent.parent / "fixtures" / "licenses-v3-last-page.json").read_text())
    here.marketplace.records.extend(page["licenses"])
    async with here.bot() as parts:
        card = await here.card("Contoso Sample Inc")
        await here.at_rest(parts)
        [bought] = [
            other
            for other in [await parts.store.evaluations.card(1), await parts.store.evaluations.card(2)]
            if other is not None and other.evaluation.card is None
        ]
        assert [m for m in here.workspace.messages() if m.metadata and "card" in m.metadata["event_type"]] == [card]
    assert bought.last is not None
    assert (bought.evaluation.trial.state, bought.last.kind) == ("converted", "converted")


async def test_a_company_named_like_a_mention_mentions_nobody(here: World) -> None:
    here.marketplace.add(license_record(1, LANTERNS, ROCKET, TODAY))
    async with here.bot():
        card = await here.card("Rocket")
    everything = json.dumps([card.text, *card.blocks[1:-1]], ensure_ascii=False)
    assert "<!channel>" not in everything
    assert "&lt;!channel&gt;" in everything


async def test_a_refused_mail_is_said_and_can_be_sent_again(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        here.mailbox.faults["DATA"] = fake_smtp.answer("554 5.6.0 not like this")
        for words in ("it failed", "sent *Welcome*."):
            await here.write(ANA, card)
            await here.noted(words, under=card)
    assert len(here.mailbox.mails) == 1


async def test_without_a_mail_server_the_email_button_says_so(here: World, trial: dict[str, object]) -> None:
    async with here.bot(smtp_host=None):
        card = await _card(here)
        await here.workspace.press(ANA, card, "evaluation.email")
        await here.modal(ANA, "Email isn't set up yet")


async def test_another_template_fills_the_mail_in_again(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        here.pass_by(days=25)
        await here.workspace.press(ANA, card, "evaluation.email")
        view = await here.modal(ANA, "mail.body")
        await here.workspace.press_view(ANA, view.id, "mail.template", "trial-ending")
        view = await here.modal(ANA, "ends on 23 December 2026")
        await here.workspace.submit(ANA, view.id)
        await here.send(ANA)
        await here.shows("sent *Trial ending*", on=card)


async def test_a_mail_without_words_is_not_taken(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        await here.workspace.press(ANA, card, "evaluation.email")
        view = await here.modal(ANA, "mail.body")
        block = next(block["block_id"] for block in view.blocks if "mail.body" in block["block_id"])
        answer = await here.workspace.submit(ANA, view.id, {block: {"mail.body": "  \n "}})
    assert answer["errors"] == {block: "Please write something."}


async def test_a_retired_button_answers_and_the_card_is_updated(here: World, trial: dict[str, object]) -> None:
    async with here.bot():
        card = await _card(here)
        card.blocks[-1]["elements"][0]["action_id"] = "evaluation.fax"
        await here.workspace.press(ANA, card, "evaluation.fax")
        await here.notified(ANA, "from an earlier version")
        await here.until(lambda: "evaluation.fax" not in json.dumps(card.blocks))


async def test_slack_over_signed_http_does_the_same(here: World, trial: dict[str, object]) -> None:
    async with here.bot(slack_app_token=None):
        here.workspace.request_url = f"http://127.0.0.1:{here.port}/slack/events"
        card = await _card(here)
        await here.workspace.press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "1 in all")


async def test_a_card_that_was_deleted_is_posted_again_from_the_list_of_the_day(
    here: World, trial: dict[str, object]
) -> None:
    async with here.bot() as parts:
        card = await _card(here)
        await here.at_rest(parts)
        await parts.client.chat_delete(channel=card.channel, ts=card.ts)
        await parts.store.evaluations.update_card(1, at=here.clock())
        await here.at_rest(parts)
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "card deleted")
        [answer] = here.workspace.ephemerals(ANA)
        await here.workspace.press(ANA, answer, "today.post_again.1")
        again = await _card(here)
        await here.until(lambda: "card deleted" not in here.workspace.ephemerals(ANA)[0].shown)
        await here.workspace.press(ANA, again, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=again)
