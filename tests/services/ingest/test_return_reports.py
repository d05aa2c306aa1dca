"""Why customers leave and which quotes they accept: each row once, and twins twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.fake_marketplace.server import DemoMarketplace
from bot.domain.cautions import Caution
from bot.domain.departure import CustomerWords
from bot.domain.mail import LawfulBasis, Overtaken
from bot.domain.mail_policy import NeedsLawfulBasis
from bot.domain.team_settings import RotationMember, RotationRule, TeamSettings
from bot.marketplace.client import Marketplace
from bot.marketplace.http import MarketplaceHttp
from bot.metrics.meter import Meter, build_meter
from bot.services.ingest.return_reports import ReturnReports
from bot.slack.views.accepted_quote import quote_lines, quote_news_message
from bot.slack.views.departure import departure_lines
from bot.slack.views.history import note
from bot.store import Store, open_store
from bot.store.absences import Absence
from bot.store.schema import delivery
from bot.store.signal_tables import departure
from tests.builders import NOON, license_, nov
from tests.store.steps import LATER, SECRET, ask, bring, claimed, only_card, order, report, rows, take

ROW: dict[str, Any] = {
    "addonKey": "com.example.roadmap",
    "date": "2026-11-23",
    "feedbackType": "uninstall",
    "reasonKey": "not-meeting-needs",
    "reason": "Did not meet my expectations.",
    "message": "The <!channel> is too small.",
    "email": "ana@acme.example",
    "fullName": "Ana Ash",
    "appEntitlementNumber": "E-1AA-2BB-3CC-4DD",
}
QUOTE: dict[str, Any] = {
    "quoteNumber": "AT-1",
    "acceptedDate": "2026-11-23",
    "entitlementNumber": "E-1AA-2BB-3CC-4DD",
    "userTier": "100 users",
    "appEdition": "Advanced",
    "startDate": "2027-02-01",
    "listPrice": 1200,
    "createdBy": "somebody@reseller.example",
}


BASIS = "Legal basis: they asked us."


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/evaluators.db", secret_keys=[SECRET]) as found:
        yield found


@pytest.fixture
async def here(store: Store) -> AsyncIterator[tuple[DemoMarketplace, ReturnReports]]:
    """The reports, read once while they were empty, and Acme's trial with its card."""
    vendor = DemoMarketplace(today=NOON.date)
    async with vendor.serve() as url:
        http = MarketplaceHttp(api_url=url, user=vendor.user, token=vendor.token)
        async with Marketplace(http, vendor_id=vendor.vendor_id) as client:
            reports = ReturnReports(client, store, show_prices=False, clock=lambda: NOON)
            await reports.read()
            await report(store, license_(starts=nov(20)))
            await bring(store)
            yield vendor, reports


Here = tuple[DemoMarketplace, ReturnReports]


async def test_two_equal_rows_are_two_lines_however_often_they_are_read(store: Store, here: Here) -> None:
    vendor, reports = here
    vendor.feedback += [dict(ROW), {**ROW, "date": "2026-11-01"}, dict(ROW)]
    await reports.read()
    vendor.feedback.reverse()
    await reports.read()
    assert [line for line in await bring(store) if line.startswith("note")] == ["note customer_left in 1.0"] * 2


async def test_all_pages_are_read(store: Store, here: Here) -> None:
    vendor, reports = here
    vendor.feedback += [{**ROW, "message": str(number)} for number in range(120)]
    await reports.read()
    assert len(await rows(store, departure)) == 120


async def test_what_was_there_before_is_not_posted(store: Store, here: Here) -> None:
    vendor, _ = here
    vendor.feedback.append(dict(ROW))
    async with store.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM report_reading")
    await here[1].read()
    assert len(await rows(store, departure)) == 1
    assert [line for line in await bring(store) if line.startswith("note")] == []


async def test_who_left_is_asked_for_no_reminder_and_no_hasty_email(store: Store, here: Here) -> None:
    vendor, reports = here
    assert len(await store.reminders.candidates(now=NOON)) == 1
    vendor.feedback.append(dict(ROW))
    await reports.read()
    assert await store.reminders.candidates(now=NOON) == []
    card = await only_card(store)
    decision = await ask(store, order(card.evaluation.id))
    assert isinstance(decision, NeedsLawfulBasis)
    assert Caution.LEFT in decision.cautions
    assert list(departure_lines(card)) == [":wave: Uninstalled on 23 Nov 2026. Reason: Did not meet my expectations"]
    assert [(each.reason, each.number) for each in await store.departures.reasons(since=nov(1))] == [(ROW["reason"], 1)]


@pytest.mark.parametrize(
    ("came", "why"), [("feedback", Overtaken.LEFT), ("quotes", Overtaken.QUOTE)], ids=["they left", "they will buy"]
)
async def test_queued_email_is_stopped_and_its_sender_hears_of_it_and_may_write_again(
    store: Store, here: Here, came: str, why: Overtaken
) -> None:
    vendor, reports = here
    wanted = order((await only_card(store)).evaluation.id, basis=LawfulBasis.REQUEST, due_at=LATER)
    await ask(store, wanted)
    await bring(store)
    store.database.meter = meter = build_meter(on=True)
    if came == "feedback":
        vendor.feedback.append(dict(ROW))
    else:
        vendor.quotes.append(dict(QUOTE))
    await reports.read()
    assert await take(store, now=LATER) is None
    stopped = (await only_card(store)).mail
    assert stopped is not None
    assert note(stopped) == f":warning: <@U0BO> tried to send *Welcome*, but it failed. {why} {BASIS}"
    assert "note mail_failed in 1.0" in await bring(store)
    assert f'evaluator_bot_mail_gate_total{{answer="refused",reason="{why.name.lower()}"}} 1.0' in exposed(meter)
    await claimed(store, order(wanted.evaluation_id, 2, basis=LawfulBasis.REQUEST))


def exposed(meter: Meter) -> str:
    """What Prometheus reads."""
    assert meter.registry is not None
    return meter.registry.expose("").body.decode()


async def test_what_came_is_counted_by_its_report(store: Store, here: Here) -> None:
    vendor, reports = here
    reports.meter = build_meter(on=True)
    vendor.feedback += [dict(ROW), dict(ROW)]
    vendor.quotes.append(dict(QUOTE))
    await reports.read()
    await reports.read()
    text = exposed(reports.meter)
    assert 'evaluator_bot_inbound_total{result="handled",source="uninstall"} 2.0' in text
    assert 'evaluator_bot_inbound_total{result="handled",source="quote"} 1.0' in text


async def test_an_erasure_finds_who_left_by_the_address_of_the_row(store: Store, here: Here) -> None:
    vendor, reports = here
    vendor.feedback.append({**ROW, "email": "Cy@elsewhere.example", "fullName": "Cy Cedar"})
    await reports.read()
    await bring(store)
    [row] = await rows(store, departure)
    words = await store.departures.words(row.id)
    assert words == CustomerWords(message=ROW["message"], email="Cy@elsewhere.example", name="Cy Cedar")
    held = await store.personal_data.export("cy@elsewhere.example", at=NOON, by="U0BO")
    assert [each["message"] for each in held["reasons_for_leaving"]] == [ROW["message"]]
    await store.personal_data.erase("cy@elsewhere.example", at=NOON, by="U0BO")
    assert await store.departures.words(row.id) is None
    assert "note customer_left in 1.0" in await bring(store)
    await reports.read()
    assert await store.departures.words(row.id) is None


async def test_an_accepted_quote_is_said_once_and_to_the_owner(store: Store, here: Here) -> None:
    vendor, reports = here
    card = await only_card(store)
    await store.evaluations.assign(card.evaluation.id, "U0BO", instead_of=None, by="U0BO", at=NOON - timedelta(hours=1))
    await bring(store)
    vendor.quotes += [dict(QUOTE), {**QUOTE, "entitlementNumber": "E-unknown"}]
    await reports.read()
    await reports.read()
    brought = await bring(store)
    assert [line for line in brought if not line.startswith("update")] == [
        "note quote_accepted in 1.0",
        "remind U0BO of 1",
    ]
    [said] = quote_lines(await only_card(store))
    what = "100 users, Advanced, from 1 Feb 2027"
    assert said == f":handshake: Quote accepted on 23 Nov 2026: {what}. A reseller seems to be involved"
    assert await store.reminders.candidates(now=NOON) == []
    assert {row.text for row in await rows(store, delivery) if row.kind == "reminder"} == {"quote"}


async def test_an_accepted_quote_is_said_to_who_stands_in_while_the_owner_is_away(store: Store, here: Here) -> None:
    vendor, reports = here
    card = await only_card(store)
    await store.evaluations.assign(card.evaluation.id, "U0BO", instead_of=None, by="U0BO", at=NOON)
    members = (RotationMember("U0BO"), RotationMember("U0CY"))
    await store.team.change_settings(TeamSettings(rotation=(RotationRule(members=members),)), by="U0BO", at=NOON)
    await store.absences.begin("U0BO", Absence(since=NOON - timedelta(hours=1)))
    await bring(store)
    vendor.quotes.append(dict(QUOTE))
    await reports.read()
    assert "remind U0CY of 1" in await bring(store)
    said = quote_news_message(await only_card(store), None, to="U0CY")
    assert "<@U0BO> owns this evaluation and is away. You're next in the rotation." in str(said.blocks)


async def test_an_account_that_may_not_read_them_polls_on(store: Store, here: Here) -> None:
    vendor, reports = here
    vendor.refuses_return_reports = True
    await reports.read()
    vendor.refuses_return_reports = False
    vendor.feedback.append(dict(ROW))
    await reports.read()
    assert len(await rows(store, departure)) == 1
