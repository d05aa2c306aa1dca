"""A backup is put back: no card comes twice, no mail twice, and every button acts on the company its card names."""

import asyncio
import copy
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.app.components import Components
from bot.demo.fake_slack import Message, faults
from bot.demo.scenario.sample_data import LANTERNS, Customer, entitlement, license_record
from bot.domain.card_snapshot import PostedCard
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.mail_policy import Refused
from bot.services.slack_delivery.reconciler import Reconciler
from bot.store import open_store
from bot.store.schema import do_not_contact, evaluation, mail
from tests.examples import drawn, examples
from tests.postgres import FOUND, needs_a_server
from tests.scenarios.reader import ONE_CLICK, PUBLIC_URL, unsubscribe_link, visit
from tests.store.steps import SECRET, ask, order, rows
from tests.world import TODAY, World

pytestmark = [pytest.mark.slow, drawn]

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"
BEFORE, AFTER = range(1, 6), range(6, examples(18, many=46))


def customer(number: int) -> Customer:
    """A company that no other's name is part of, with one person."""
    name = f"Firm {number:02d}"
    return Customer(name, "United States", "Americas", f"firm-{number:02d}", f"Pat No{number:02d}", _address(number))


def _address(number: int) -> str:
    return f"pat@firm{number:02d}.example"


SAID_NO = [customer(number) for number in (8, 12, 13, 15)]


@dataclass
class Backups:
    """How a database is saved and put back by hand."""

    url: str
    folder: Path

    def take(self) -> None:
        """Save the database as it is."""
        if self.url.startswith("sqlite"):
            with closing(sqlite3.connect(self._file)) as source, closing(sqlite3.connect(self._saved)) as copied:
                source.backup(copied)
        else:
            self._run("pg_dump", "-Fc", "-f", str(self._saved), self._address)

    async def put_back(self) -> None:
        """Put the saved one in the place of the present one; no bot runs, and the copy knows of none."""
        self._replace()
        async with open_store(self.url, secret_keys=[SECRET]) as store:
            await store.leases.clear()

    def _replace(self) -> None:
        if self.url.startswith("sqlite"):
            for each in self.folder.glob("evaluators.db*"):
                each.unlink()
            shutil.copy(self._saved, self._file)
        else:
            self._run("pg_restore", "--clean", "--if-exists", "-d", self._address, str(self._saved))

    @property
    def _saved(self) -> Path:
        return self.folder / "saved"

    @property
    def _file(self) -> Path:
        return self.folder / "evaluators.db"

    @property
    def _address(self) -> str:
        return self.url.replace("+asyncpg", "")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([str(FOUND[-1].with_name(program)), *arguments], check=True)  # noqa: S603  our own words


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_a_server)])
def backups(request: pytest.FixtureRequest, here: World) -> Iterator[Backups]:
    """A database of either kind, whose bot has ids as at a vendor's: random."""
    if request.param == "sqlite":
        yield Backups(f"sqlite+aiosqlite:///{here.folder / 'evaluators.db'}", here.folder)
    else:
        yield Backups(request.getfixturevalue("postgres"), here.folder)


def cards(here: World) -> list[Message]:
    """The cards in the channel, as they look now."""
    found = [m for m in here.workspace.messages() if not m.thread_ts and "Firm" in m.shown and m.metadata]
    return [copy.deepcopy(m) for m in found]


def company(card: Message) -> str:
    """The company that a card names."""
    return card.shown.split(" · ")[0]


def card_of(here: World, number: int) -> Message:
    """The one card of a company."""
    [found] = [card for card in cards(here) if company(card) == customer(number).company]
    return found


async def _months(here: World, parts: Components) -> None:
    """What nobody knows after the restore: many trials, 10 mails, 3 who say no."""
    for number in AFTER:
        here.marketplace.add(license_record(number, LANTERNS, customer(number), TODAY))
    await parts.poller.poll()
    here.marketplace.change(entitlement(3), maintenanceEndDate=str(TODAY + timedelta(days=44)))
    await parts.poller.poll()
    await here.until(lambda: len(cards(here)) == len(BEFORE) + len(AFTER))
    await here.noted("extended to", under=card_of(here, 3))
    await here.at_rest(parts)
    for number in (1, *range(6, 14)):
        await here.write(ANA, card_of(here, number))
        await here.shows("sent *Welcome*", on=card_of(here, number))
    for mail_ in here.mailbox.mails[-2:]:
        link = unsubscribe_link(mail_)
        assert (await visit(here, link, method="POST", form=ONE_CLICK))[0] == 200
    table = [(DncTarget.of_address(_address(15)), DncEntry(reason=DncReason.ASKED, by=None, at=here.clock()))]
    assert await parts.store.dnc.add_all(table) == 1
    for number in (12, 13, 15):
        await here.shows("*Do not contact*", on=card_of(here, number))
    await here.at_rest(parts)


async def _press_everything(here: World, card: Message) -> None:
    """Press each button of a card as it looked before the restore; each acts on the company that it names."""
    person = next(each for each in map(customer, (*BEFORE, *AFTER)) if each.company == company(card))
    offered = [e["action_id"] for b in card.blocks if b["type"] == "actions" for e in b["elements"]]
    for action in offered:
        if action == "evaluation.claim":
            await here.workspace.press(BEN, card, action)
            await here.shows(f"Owner: <@{BEN}>", on=card)
            assert company(card_of(here, int(person.company[-2:]))) == person.company
        elif action in {"evaluation.email", "evaluation.do_not_contact"}:
            await here.workspace.press(BEN, card, action)
            view = await here.until(lambda: _filled(here))
            assert view is not None
            is_refused = "do-not-contact list" in view or "blocked already" in view
            assert person.email in view or (person in SAID_NO and is_refused), view
            here.workspace.views.clear()


async def _welcome(here: World, parts: Components, number: int) -> object:
    """Somebody tries to send the mail that was sent already; what comes of it."""
    wanted = order(await _evaluation(here, parts, number), number, at=here.clock(), due_at=here.clock())
    return await ask(parts.store, wanted)


async def _evaluation(here: World, parts: Components, number: int) -> int:
    """The evaluation that the card of a company shows, by the present database."""
    ts = card_of(here, number).ts
    [found] = [row.id for row in await rows(parts.store, evaluation) if row.card_ts == ts]
    return int(found)


async def _a_late_complaint_comes_in(here: World, parts: Components, mail_ids: set[int]) -> None:
    """About the mail to firm 8, which is not in the backup: that address is marked, and no other."""
    eighth = await _evaluation(here, parts, 8)
    [mail_id] = [row.id for row in await rows(parts.store, mail) if row.evaluation_id == eighth]
    assert mail_id in mail_ids
    marked = {row.target_key for row in await rows(parts.store, do_not_contact)}
    await parts.store.bounces.record_complaint(mail_id, at=here.clock())
    await here.shows("*Do not contact*", on=card_of(here, 8))
    assert len({row.target_key for row in await rows(parts.store, do_not_contact)} - marked) == 1


def _filled(here: World) -> str | None:
    views = here.workspace.views.get(BEN) or []
    shown = str(views[-1].blocks) if views else ""
    return shown if shown and "One moment" not in shown else None


@pytest.mark.timeout(600)
async def test_after_a_restore_nothing_comes_twice_and_every_old_button_acts_on_the_company_of_its_card(
    here: World, backups: Backups
) -> None:
    settings = {"database_url": backups.url, "public_url": PUBLIC_URL, "slack_admins": CHIKA}
    for number in BEFORE:
        here.marketplace.add(license_record(number, LANTERNS, customer(number), TODAY))
    async with here.bot(**settings) as parts:
        await here.until(lambda: len(cards(here)) == len(BEFORE))
        await here.at_rest(parts)
    async with here.bot(**settings, mail_hold="1h") as parts:
        await here.write(ANA, card_of(here, 2))
        await here.is_sending(ANA)
        backups.take()
        here.pass_by(hours=1)
        await here.until(lambda: here.mailbox.mails)
        await here.shows("sent *Welcome*", on=card_of(here, 2))
    async with here.bot(**settings) as parts:
        await _months(here, parts)
        mail_ids = {row.id for row in await rows(parts.store, mail)}
    old, arrived = cards(here), len(here.mailbox.mails)
    assert arrived == 10
    here.pass_by(hours=2)

    await backups.put_back()
    async with here.bot(**settings) as parts:
        await here.at_rest(parts)
        assert Counter(map(company, cards(here))) == {customer(n).company: 1 for n in (*BEFORE, *AFTER)}
        for number in (12, 13, 15):
            assert "*Do not contact*" in card_of(here, number).shown
        for number in (1, 2, *range(6, 14)):
            assert isinstance(await _welcome(here, parts, number), Refused)
        await _a_late_complaint_comes_in(here, parts, mail_ids)
        for card in old:
            await _press_everything(here, card)
        second = card_of(here, 2)
        [question] = [m for m in here.workspace.thread(second.channel, second.ts) if "don't know whether" in m.shown]
        await here.workspace.press(BEN, question, "mail.again")
        await here.notified(BEN, "already marked it as sent")
        await here.at_rest(parts)
        here.pass_by(hours=1)
        await here.at_rest(parts)
        shown = {row.card_ts for row in await rows(parts.store, evaluation)}
    assert {card.ts for card in old} == shown
    assert len([line for line in here.thread(card_of(here, 3)) if "extended to" in line]) == 1
    assert Counter(map(company, cards(here))) == {customer(n).company: 1 for n in (*BEFORE, *AFTER)}
    assert len(here.mailbox.mails) == arrived


async def test_until_slack_shows_the_channel_no_card_is_posted_and_the_admins_are_told_once(here: World) -> None:
    backups = Backups(f"sqlite+aiosqlite:///{here.folder / 'evaluators.db'}", here.folder)
    here.marketplace.add(license_record(1, LANTERNS, customer(1), TODAY))
    async with here.bot(slack_admins=CHIKA):
        await here.card("Firm 01")
    backups.take()
    async with open_store(backups.url, secret_keys=[SECRET]) as store:
        await store.installation.go_back(at=here.clock())  # as `db restore` does
    here.marketplace.add(license_record(2, LANTERNS, customer(2), TODAY))
    here.workspace.faults.add("conversations.history", faults.refuse("missing_scope"), times=99)
    async with here.bot(slack_admins=CHIKA) as parts:
        await here.until(lambda: any("can't post" in m.shown for m in here.workspace.direct(CHIKA)))
        assert len(cards(here)) == 1
        assert await parts.store.outbox.waiting() > 0
    here.workspace.faults.clear()
    async with here.bot(slack_admins=CHIKA) as parts:
        await here.card("Firm 02")
        await here.at_rest(parts)
    assert len(here.workspace.direct(CHIKA)) == 3  # refused, well again, and what the restore came to


@dataclass
class Lost:
    """A backup from before a mail went to firm 1 and before firms 1 and 3 said no, and what is on the cards now."""

    backups: Backups
    settings: dict[str, object]

    async def made(self, here: World) -> None:
        """Let it all happen, and put the backup back."""
        for number in (1, 3):
            here.marketplace.add(license_record(number, LANTERNS, customer(number), TODAY))
        async with here.bot(**self.settings) as parts:
            for number in (1, 3):
                await here.card(customer(number).company)
            await here.write(ANA, card_of(here, 1))
            await here.is_sending(ANA)
            await here.at_rest(parts)
            self.backups.take()
            here.pass_by(hours=1)
            await here.shows("sent *Welcome*", on=card_of(here, 1))
            no = DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=here.clock())
            assert await parts.store.dnc.add_all([(self.subject(number), no) for number in (1, 3)]) == 2
            for number in (1, 3):
                await here.shows("*Do not contact*", on=card_of(here, number))
            await here.at_rest(parts)
        await self.backups.put_back()

    @staticmethod
    def subject(number: int) -> DncTarget:
        """The address of a company."""
        return DncTarget.of_address(_address(number))

    async def is_known(self, here: World, parts: Components, *, emails: int = 1) -> None:
        """Both noes are on record, and on the cards; so many emails have gone to firm 1, and no more follow."""
        for number in (1, 3):
            await here.shows("*Do not contact*", on=card_of(here, number))
            assert await parts.store.dnc.find_active([self.subject(number)]) is not None
        await here.at_rest(parts)
        assert isinstance(await _welcome(here, parts, 1), Refused)
        here.pass_by(hours=2)
        await here.at_rest(parts)
        assert len(here.mailbox.mails) == emails
        event = (card_of(here, 3).metadata or {})["event_payload"]
        assert event["dnc"], "the card tells it again"


@pytest.fixture
def lost(here: World) -> Lost:
    """What a restore on SQLite loses."""
    backups = Backups(f"sqlite+aiosqlite:///{here.folder / 'evaluators.db'}", here.folder)
    return Lost(backups, {"slack_admins": CHIKA, "mail_hold": "1h"})


async def _go_back(here: World, url: str) -> None:
    async with open_store(url, secret_keys=[SECRET]) as store:
        await store.installation.go_back(at=here.clock())  # as `db restore` does


@pytest.mark.parametrize("is_by_command", [True, False])
async def test_what_cards_tell_outlives_an_update_before_slack_was_compared(
    here: World, lost: Lost, monkeypatch: pytest.MonkeyPatch, *, is_by_command: bool
) -> None:
    await lost.made(here)
    if is_by_command:
        await _go_back(here, lost.backups.url)
    shown, released = Reconciler._shown, asyncio.Event()  # noqa: SLF001  Slack takes its time for 90 days of messages

    async def later(self: Reconciler, channel: str, since: datetime | None) -> list[PostedCard]:
        found = await shown(self, channel, since)
        await released.wait()
        return found

    monkeypatch.setattr(Reconciler, "_shown", later)
    async with here.at_work(here.settings(**lost.settings)) as parts:
        await here.until(lambda: here.workspace.sockets)
        for number in (1, 3):
            await here.workspace.press(BEN, card_of(here, number), "evaluation.claim")
            await here.shows(f"Owner: <@{BEN}>", on=card_of(here, number))
        released.set()
        await lost.is_known(here, parts)


async def test_while_slack_does_not_show_the_channel_no_email_leaves_after_a_restore(here: World, lost: Lost) -> None:
    await lost.made(here)
    await _go_back(here, lost.backups.url)
    here.workspace.faults.add("conversations.history", faults.refuse("missing_scope"), times=99)
    async with here.bot(**lost.settings) as parts:
        await here.until(lambda: any("can't post" in m.shown for m in here.workspace.direct(CHIKA)))
        await here.workspace.press(BEN, card_of(here, 3), "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card_of(here, 3))
        await here.write(ANA, card_of(here, 3))
        await here.is_sending(ANA)
        here.pass_by(hours=2)
        await here.workspace.press(BEN, card_of(here, 1), "evaluation.claim")
        await here.shows(f"Owner: <@{BEN}>", on=card_of(here, 1))
        assert [row.state for row in await rows(parts.store, mail)] == ["unknown", "held"]
        assert len(here.mailbox.mails) == 1
    here.workspace.faults.clear()
    async with here.bot(**lost.settings) as parts:
        await here.until(lambda: any("was restored" in m.shown for m in here.workspace.direct(CHIKA)))
        await lost.is_known(here, parts)


async def test_a_file_that_was_copied_back_is_compared_once_slack_shows_the_channel(
    here: World, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.slack_delivery.reconciler._EVERY_S", 0.01)
    await lost.made(here)
    here.workspace.faults.add("conversations.history", faults.refuse("missing_scope"), times=9)
    async with here.bot(**lost.settings) as parts:
        await here.until(lambda: any("was restored" in m.shown for m in here.workspace.direct(CHIKA)))
        # The email that waited in the copy has gone again: until Slack could be asked, nothing said that it is a copy.
        await lost.is_known(here, parts, emails=2)


async def test_an_old_undo_and_an_old_post_again_touch_nobody_elses_evaluation(here: World, lost: Lost) -> None:
    for number in (1, 3):
        here.marketplace.add(license_record(number, LANTERNS, customer(number), TODAY))
    async with here.bot(**lost.settings) as parts:
        await here.card("Firm 01")
        await here.card("Firm 03")
        await here.at_rest(parts)
        lost.backups.take()
        await here.write(ANA, card_of(here, 1))
        await here.is_sending(ANA)
        here.marketplace.add(license_record(2, LANTERNS, customer(2), TODAY))
        await parts.poller.poll()
        await here.card("Firm 02")
        await here.at_rest(parts)
        gone = card_of(here, 2)
        await parts.client.chat_delete(channel=gone.channel, ts=gone.ts)
        number = gone.metadata["event_payload"]["evaluation"] if gone.metadata else 0
        await parts.store.evaluations.update_card(number, at=here.clock())
        await here.at_rest(parts)
        await here.workspace.command(ANA, "/evaluators today")
        await here.notified(ANA, "card deleted")
    await lost.backups.put_back()
    await _go_back(here, lost.backups.url)
    listed = next(m for m in here.workspace.ephemerals(ANA) if "today.post_again" in str(m.blocks))
    async with here.bot(**lost.settings) as parts:
        await here.card("Firm 02")
        await here.write(BEN, card_of(here, 3))
        await here.is_sending(BEN)
        await here.undo(ANA)
        await here.notified(ANA, "Too late")
        await here.workspace.press(ANA, listed, f"today.post_again.{number}")
        await here.until(lambda: not any("card deleted" in m.shown for m in here.workspace.ephemerals(ANA)))
        await here.at_rest(parts)
        assert {row.actor: row.state for row in await rows(parts.store, mail)} == {ANA: "unknown", BEN: "held"}
        assert Counter(map(company, cards(here))) == {customer(n).company: 1 for n in (1, 2, 3)}
