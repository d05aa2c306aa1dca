"""Mails on their way: what the server says of each, and what becomes of it then."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP

from bot.concurrency.rate_limit import Rate, TokenBucket
from bot.concurrency.tasks import cancel_and_wait
from bot.demo.fake_smtp import Fault, Mailbox, Step, answer, drop, hang
from bot.domain.dnc import DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.history import Kind, MailEvent
from bot.domain.mail import MailState
from bot.domain.mail_policy import RefusalReason
from bot.mail.inbound.verp import read_return_address
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.dkim import Signer
from bot.security.keyring import Keyring
from bot.services.mail.links import Link, Links
from bot.services.mail.mailer import VerpSettings
from bot.services.mail.worker import BACKOFF
from tests.builders import FREELY, contact, dnc_entry, license_
from tests.machine import limit
from tests.mail.conftest import Judge, Tls
from tests.services.conftest import MailSetup
from tests.store.steps import SECRET, bring, mark, only_card, report

ANA = "ana@acme.example"
LATER_PLEASE = "451 4.7.1 Greylisted, come back later"
NOBODY = "550 5.1.1 No such user here"


async def test_a_mail_that_is_due_goes_once_and_its_history_says_so(room: MailSetup) -> None:
    await room.ordered()
    await room.deliver()
    await room.deliver(days=1)

    [mail] = room.mailbox.mails
    assert mail["to"] == [ANA]
    assert (mail["from"], mail["subject"]) == ("Ana Sample <hello@vendor.example>", "Welcome to Roadmap")
    assert mail["text"].startswith("Dear Ana Ash\n\n--\nYou're receiving this email because a trial of ")
    assert await room.states() == [MailState.SENT]
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.MAIL_SENT]


async def test_a_mail_that_is_held_does_not_go_before_its_time(room: MailSetup) -> None:
    await room.ordered(due_at=room.clock() + timedelta(seconds=10))
    await room.deliver(seconds=9)
    assert (await room.states(), room.mailbox.mails) == ([MailState.QUEUED], [])
    await room.deliver(seconds=1)
    assert (await room.states(), len(room.mailbox.mails)) == ([MailState.SENT], 1)


async def test_a_mail_that_a_wrong_clock_put_off_for_years_goes_now(room: MailSetup) -> None:
    await room.ordered(due_at=room.clock() + timedelta(days=365))
    await room.deliver()
    assert (await room.states(), len(room.mailbox.mails)) == ([MailState.SENT], 1)


async def test_mails_go_in_the_order_in_which_they_are_due(room: MailSetup) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1, due_at=room.clock() + timedelta(seconds=10))
    await room.ordered(2, 2)
    await room.deliver(seconds=10)
    assert [mail["to"] for mail in room.mailbox.mails] == [["bo@acme.example"], [ANA]]


async def test_what_the_server_puts_off_is_tried_again_later_and_later(room: MailSetup) -> None:
    await room.ordered()
    for pause in (timedelta(minutes=1), timedelta(minutes=4), timedelta(minutes=16)):
        room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
        await room.deliver()
        assert await room.states() == [MailState.DEFERRED]
        wait = await room.due()
        assert pause * 0.8 <= wait <= pause
        await room.deliver(seconds=wait.total_seconds() - 1)
        assert await room.due() == timedelta(seconds=1)
        room.clock.now += timedelta(seconds=1)
    await room.deliver()

    assert await room.states() == [MailState.SENT]
    assert len(room.mailbox.mails) == 1
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.MAIL_DEFERRED, Kind.MAIL_SENT]
    assert await room.notified() == []


async def test_the_card_of_a_mail_that_is_put_off_again_is_painted_again(room: MailSetup) -> None:
    await room.ordered()
    for _ in range(2):
        room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
        await room.deliver(minutes=1)
        assert [line for line in await bring(room.store, at=room.clock()) if line.startswith(("post", "update"))]


@pytest.mark.parametrize(
    ("attempts", "pause"),
    [
        (1, timedelta(minutes=1)),
        (2, timedelta(minutes=4)),
        (3, timedelta(minutes=16)),
        (4, timedelta(minutes=64)),
        (5, timedelta(hours=2)),
        (5000, timedelta(hours=2)),
    ],
)
def test_pauses_grow_to_two_hours(attempts: int, pause: timedelta) -> None:
    assert timedelta(seconds=replace(BACKOFF, jitter=0.0).after(attempts)) == pause


async def test_what_could_not_go_for_two_days_is_given_up(room: MailSetup) -> None:
    await room.ordered()
    hours = 0
    while (await room.states())[0] is not MailState.FAILED:
        room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
        await room.deliver(hours=2)
        hours += 2

    assert 44 <= hours <= 48
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.MAIL_DEFERRED, Kind.MAIL_FAILED]
    assert "for two days" in await room.why()
    room.mailbox.faults.clear()
    await room.deliver(days=1)
    assert room.mailbox.mails == []


async def test_one_that_is_put_off_does_not_hold_up_the_others(room: MailSetup) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1)
    await room.ordered(2, 2)
    room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
    await room.deliver()
    await room.deliver()
    assert await room.states() == [MailState.DEFERRED, MailState.SENT]


async def test_after_a_failure_there_is_a_pause_for_all(room: MailSetup) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1)
    await room.ordered(2, 2)
    room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
    assert 0 < await room.mail_worker.deliver() <= 2
    assert await room.states() == [MailState.DEFERRED, MailState.QUEUED]


async def test_of_a_server_that_puts_off_one_mail_after_the_other_the_admins_hear_once(room: MailSetup) -> None:
    await report(
        room.store,
        *(license_(aliases=frozenset({f"E-{n}"}), technical=contact(email=f"a{n}@acme.example")) for n in range(1, 8)),
    )
    await room.notified()
    mail_worker = room.mail_worker
    mail_worker.bucket = TokenBucket(Rate(interval=0), serial=True, clock=lambda: room.clock().timestamp())
    for number in range(1, 8):
        await room.ordered(number, number)
        room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
        await mail_worker.deliver()
        notified = await room.notified()
        assert [("can't send email" in line) for line in notified] == ([True] if number == 5 else [])
        room.clock.now += timedelta(minutes=6)

    room.mailbox.faults.clear()
    room.clock.now += timedelta(hours=2)
    await mail_worker.deliver()

    assert await room.states() == [MailState.SENT] * 7
    assert ["works again" in line for line in await room.notified()] == [True]


async def test_an_address_that_does_not_exist_is_blocked(room: MailSetup) -> None:
    await room.ordered()
    room.mailbox.faults["RCPT"] = answer(NOBODY)
    await room.deliver()

    assert await room.states() == [MailState.FAILED]
    no = await room.store.dnc.find_active([DncTarget.of_address(ANA)])
    assert no is not None
    assert (no.reason, no.by) == (DncReason.BOUNCED, None)
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.DO_NOT_CONTACT, Kind.MAIL_FAILED]
    assert await room.notified() == []


@pytest.mark.parametrize(
    ("step", "reply"),
    [("RCPT", "550 5.7.124 Not in list"), ("DATA", "554 5.7.1 Looks like spam"), ("DATA", "552 5.3.4 Too big")],
    ids=["restricted", "spam", "size"],
)
async def test_a_refusal_that_is_not_about_the_address_blocks_nobody(room: MailSetup, step: Step, reply: str) -> None:
    await room.ordered()
    room.mailbox.faults[step] = answer(reply)
    await room.deliver()
    await room.deliver(days=1)

    assert await room.states() == [MailState.FAILED]
    assert await room.store.dnc.find_active([DncTarget.of_address(ANA)]) is None
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.MAIL_FAILED]
    assert "trying again won't help" in await room.why()
    assert room.mailbox.mails == []


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("RCPT", "550 5.7.1 Relaying denied"),
        ("DATA", "554 5.2.252 SendAsDenied; not allowed to send as hello@vendor.example"),
        ("DATA", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
        ("DATA", "554 Message rejected: Email address is not verified."),
    ],
    ids=["relay", "SendAsDenied", "permissions", "SES"],
)
async def test_a_sender_that_is_refused_after_the_content_waits_and_the_admins_know_once(
    room: MailSetup, step: Step, reply: str
) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1)
    await room.ordered(2, 2)
    heard = []
    for _ in range(3):
        room.mailbox.faults[step] = answer(reply)
        room.clock.now += timedelta(minutes=10)
        await room.mail_worker.deliver()
        heard += await room.notified()
        room.mailbox.faults.clear()

    assert MailState.FAILED not in await room.states()
    assert await room.store.dnc.find_active([DncTarget.of_address(ANA)]) is None
    assert "check MAIL_FROM" in heard[0]
    assert len([line for line in heard if "can't send email" in line]) == 1
    await room.deliver(minutes=10)
    assert await room.states() == [MailState.SENT, MailState.SENT]


async def test_a_daily_limit_passes_and_the_mail_goes_later(room: MailSetup) -> None:
    await room.ordered()
    steps: tuple[Step, ...] = ("RCPT", "DATA")
    for step in steps:
        room.mailbox.faults[step] = answer("550 5.4.5 Daily user sending limit exceeded.")
        await room.deliver(hours=12)
        assert await room.states() == [MailState.DEFERRED]
    await room.deliver(hours=12)
    assert await room.states() == [MailState.SENT]


async def test_an_address_that_the_server_cannot_write_to_fails_alone(room: MailSetup) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="ána@acme.example")))
    await room.ordered(2, 1)
    await room.ordered(1, 2)
    await room.deliver()
    assert await room.states() == [MailState.FAILED, MailState.SENT]
    assert "write to it by hand" in (await only_error(room))


async def only_error(room: MailSetup) -> str:
    card = await room.store.evaluations.card(2)
    assert card is not None
    assert card.last is not None
    assert isinstance(card.last.fact, MailEvent)
    return card.last.fact.error


@pytest.mark.parametrize("step", ["DATA", "ANSWER"])
async def test_a_line_that_goes_dead_over_the_content_leaves_a_question_and_nothing_is_sent_again(
    room: MailSetup, step: Step
) -> None:
    await room.ordered()
    room.mailbox.faults[step] = drop()
    await room.deliver()
    await room.deliver(days=1)

    assert await room.states() == [MailState.UNKNOWN]
    assert len(room.mailbox.mails) == (step == "ANSWER")
    assert await room.history() == [Kind.MAIL_QUEUED, Kind.MAIL_UNKNOWN]


@asynccontextmanager
async def _wrong_login(room: MailSetup) -> AsyncIterator[int]:
    room.server = {"username": "bot", "password": "wrong", "tls": "none"}
    async with Mailbox(login=("bot", "right")).serve() as port:
        yield port


@asynccontextmanager
async def _no_tls(room: MailSetup) -> AsyncIterator[int]:
    room.server = {"tls": "starttls"}
    async with Mailbox().serve() as port:
        yield port


@asynccontextmanager
async def _nobody_there(_: MailSetup) -> AsyncIterator[int]:
    async with Mailbox().serve() as port:
        pass
    yield port


@asynccontextmanager
async def _not_for_us(_: MailSetup) -> AsyncIterator[int]:
    mailbox = Mailbox()
    mailbox.faults["MAIL"] = answer("550 5.7.1 Sender address rejected: not owned by user")
    async with mailbox.serve() as port:
        yield port


@pytest.mark.parametrize(
    "wrong",
    [_wrong_login, _no_tls, _nobody_there, _not_for_us],
    ids=["wrong login", "no TLS", "nobody there", "not our address"],
)
async def test_while_the_server_does_not_let_us_in_all_waits_and_the_admins_know_once(
    room: MailSetup, wrong: Callable[[MailSetup], AbstractAsyncContextManager[int]]
) -> None:
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1)
    await room.ordered(2, 2)
    good = room.port
    async with wrong(room) as room.port:
        for _ in range(1 if wrong is _not_for_us else 3):  # whose fault strikes once
            await room.deliver(minutes=10)

    [said] = await room.notified()
    assert said.startswith("say :rotating_light: I can't send email. ")
    assert set(await room.states()) <= {MailState.DEFERRED, MailState.QUEUED}

    room.port, room.server = good, {}
    await room.deliver(minutes=1)
    assert await room.states() == [MailState.SENT, MailState.SENT]
    [again] = await room.notified()
    assert again.startswith("say :white_check_mark: Email works again, after ")
    await room.deliver(minutes=1)
    assert await room.notified() == []


async def test_a_server_with_tls_and_login_takes_what_is_due(room: MailSetup, tls: Tls) -> None:
    mailbox = Mailbox(certificate=tls.server, login=("bot", "right"))
    room.server, room.trust = {"username": "bot", "password": "right", "tls": "starttls"}, tls.trust
    await room.ordered()
    async with mailbox.serve() as room.port:
        await room.deliver()
    assert [mail["to"] for mail in mailbox.mails] == [[ANA]]


@pytest.mark.parametrize("who", [ANA, "@acme.example"])
async def test_an_entry_that_comes_while_the_mail_is_queued_stops_it(room: MailSetup, who: str) -> None:
    await room.ordered(due_at=room.clock() + timedelta(seconds=10))
    await mark(room.store, who, dnc_entry(at=room.clock()))
    await room.deliver(seconds=10)

    assert room.mailbox.mails == []
    assert await room.states() == [MailState.FAILED]
    assert await room.why() == RefusalReason.DO_NOT_CONTACT


async def test_what_happened_to_the_trial_while_the_mail_was_put_off_stops_it(room: MailSetup) -> None:
    await room.ordered()
    room.mailbox.faults["RCPT"] = answer(LATER_PLEASE)
    await room.deliver()
    await report(room.store, license_(license_type="COMMERCIAL", ends=None))
    await room.deliver(minutes=1)

    assert room.mailbox.mails == []
    assert await room.why() == RefusalReason.CONVERTED


async def test_two_mails_to_one_address_keep_their_distance_even_if_both_were_queued(room: MailSetup) -> None:
    """The vendor's rules may have become stricter since."""
    await report(room.store, license_(app_key="com.example.charts", app_name="Charts", aliases=frozenset({"E-2"})))
    await room.ordered(1, 1)
    await room.ordered(2, 2)
    room.rules = replace(FREELY, at_most_every=timedelta(days=7))
    await room.deliver()
    assert sorted(await room.states()) == [MailState.FAILED, MailState.SENT]


def heard(mailbox: Mailbox) -> list[tuple[str, bytes]]:
    """What the next mail looks like on the wire: the envelope's sender, and all of its bytes."""
    found: list[tuple[str, bytes]] = []

    async def listen(smtp: SMTP) -> str:
        assert smtp.envelope is not None
        found.append((str(smtp.envelope.mail_from), smtp.envelope.original_content or b""))
        return "250 OK"

    mailbox.faults["ANSWER"] = listen
    return found


async def test_all_that_is_promised_of_a_mail_reaches_the_wire(room: MailSetup, signer: Signer, genuine: Judge) -> None:
    keys = Keyring([SECRET])
    links = Links(keys, public_url="https://bot.vendor.example")
    returns = VerpSettings(address="bounces@vendor.example", key=keys.return_keys[0])
    room.post = {"signer": signer, "links": links, "verp": returns}
    mail_id = await room.ordered(language="de", reply_to="bo@vendor.example")
    wire = heard(room.mailbox)
    await room.deliver()

    [(envelope, content)] = wire
    assert read_return_address(envelope, keys.return_keys) == mail_id
    assert genuine(content)
    message = message_from_bytes(content, policy=default)
    assert message["Reply-To"] == "bo@vendor.example"
    assert message["Message-ID"] == "<1@vendor.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    base = "https://bot.vendor.example/u/"
    link = str(message["List-Unsubscribe"]).partition(">")[0].removeprefix("<")
    assert links.read(link.removeprefix(base)) == Link(address=ANA, mail_id=mail_id)
    [mail] = room.mailbox.mails
    assert "Ihr Widerspruchsrecht" in mail["text"]
    assert "höchstens 24 Monate" in mail["text"]
    assert link in mail["text"]


async def test_without_any_of_it_a_mail_goes_all_the_same(room: MailSetup) -> None:
    wire = heard(room.mailbox)
    await room.ordered()
    await room.deliver()

    [(envelope, content)] = wire
    message = message_from_bytes(content, policy=default)
    assert envelope == "hello@vendor.example"
    assert message["DKIM-Signature"] is None
    assert message["List-Unsubscribe-Post"] is None
    assert str(message["List-Unsubscribe"]).startswith("<mailto:hello@vendor.example?")
    assert message["Reply-To"] == "Ana Sample <hello@vendor.example>"


async def test_only_the_first_mail_to_somebody_tells_them_all_about_us(room: MailSetup) -> None:
    await room.ordered(1, 1)
    await room.deliver()
    room.clock.now += timedelta(days=7)
    await room.ordered(1, 2, template="trial-ending")
    await room.deliver()

    first, second = room.mailbox.mails
    assert "Your right to object" in first["text"]
    assert "Your right to object" not in second["text"]
    assert "Would you rather not hear from us?" in second["text"]


async def test_a_sender_that_is_no_address_parks_the_mail(room: MailSetup) -> None:
    room.post = {"sender": Sender(from_address="nobody", postal_address="1 Sample Street")}
    await room.ordered()
    await room.deliver()
    assert await room.states() == [MailState.DEFERRED]
    [said] = await room.notified()
    assert "MAIL_FROM is not an address" in said


def reaching(reached: asyncio.Event, until: asyncio.Event) -> Fault:
    """Tell that the mail came so far, then say nothing until the other event is set."""

    async def fault(smtp: SMTP) -> str:
        reached.set()
        return await hang(until)(smtp)

    return fault


async def test_who_is_asked_to_pause_finishes_the_mail_in_hand(room: MailSetup) -> None:
    reached, answered = asyncio.Event(), asyncio.Event()
    room.mailbox.faults["ANSWER"] = reaching(reached, answered)
    await report(room.store, license_(aliases=frozenset({"E-2"}), technical=contact(email="bo@acme.example")))
    await room.ordered(1, 1)
    mail_worker = room.mail_worker
    work = asyncio.create_task(mail_worker.deliver())
    await reached.wait()

    async def rest() -> list[MailState]:
        async with mail_worker.paused():
            await room.ordered(2, 2)
            return await room.states()

    resting = asyncio.create_task(rest())
    await asyncio.sleep(0)
    assert not resting.done()
    answered.set()
    assert await resting == [MailState.SENT, MailState.QUEUED]
    await work


async def test_what_is_queued_while_the_worker_waits_goes_at_once(room: MailSetup) -> None:
    arrived = asyncio.Event()
    mailbox = Mailbox(on_mail=lambda _: arrived.set())
    async with mailbox.serve() as room.port:
        running = asyncio.create_task(room.mail_worker.run())
        await room.ordered()
        async with asyncio.timeout(limit(4)):
            await arrived.wait()
        await cancel_and_wait(running, again=0.01)


async def test_a_bot_that_was_stopped_over_a_mail_leaves_a_question(room: MailSetup) -> None:
    await room.ordered()
    reached = asyncio.Event()
    room.mailbox.faults["DATA"] = reaching(reached, asyncio.Event())
    running = asyncio.create_task(room.mail_worker.run())
    await reached.wait()
    await cancel_and_wait(running)
    assert await room.states() == [MailState.SENDING]

    assert await room.store.mails.recover_in_flight(at=room.clock()) == 1
    assert await room.states() == [MailState.UNKNOWN]
    assert (await only_card(room.store)).last is not None
