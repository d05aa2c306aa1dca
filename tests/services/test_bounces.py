"""Bounces, from their bytes to the entries and the lines in Slack."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.history import Kind
from bot.domain.mail import MailState
from bot.domain.mail_policy import RefusalReason, Refused
from bot.mail.inbound.verp import envelope_sender, read_return_address
from bot.security.keyring import Keyring
from bot.services.inbound.bounces import BounceHandler, BounceOutcome
from bot.services.operations.alerts import AdminAlerts
from bot.services.operations.health import Health
from bot.slack.views.history import note
from tests.builders import license_
from tests.services.conftest import ADMIN, MailSetup
from tests.services.inbound.test_bounces import ANA, BOUNCE, FOLDER, OURS
from tests.store.steps import SECRET, ask, bring, only_card, order, report

KEYS = Keyring([SECRET]).return_keys
MAILBOX_FULL = (FOLDER / "postfix-mailbox-full.eml").read_bytes()


@dataclass
class Back:
    """A mail that went to Ana, and the one who takes in what comes back of it."""

    room: MailSetup

    async def take(self, content: bytes) -> BounceOutcome:
        """Take a report in."""
        clock = self.room.clock
        alerts = AdminAlerts(self.room.store, admins=[ADMIN], channel="C0CARDS", clock=clock)
        inbound = BounceHandler(
            self.room.store.bounces,
            verp=lambda address: read_return_address(address, KEYS),
            tell=alerts.mail_refused,
            tell_unclear=alerts.bounce_unclear,
            clock=clock,
        )
        return await inbound.handle(content)

    async def mark(self) -> DncEntry | None:
        """The active entry for Ana's address."""
        return await self.room.store.dnc.find_active([DncTarget.of_address(ANA)])

    async def lines(self) -> list[str]:
        """What the card's thread was told since somebody last looked."""
        brought = await bring(self.room.store, at=self.room.clock())
        return [line.split()[1] for line in brought if line.startswith("note")]

    async def last(self) -> str:
        """The last thing that happened, in words."""
        last = (await only_card(self.room.store)).last
        assert last is not None
        return note(last)


@pytest.fixture
async def back(room: MailSetup) -> Back:
    await room.ordered(message_id=OURS)
    await room.deliver()
    await bring(room.store, at=room.clock())
    return Back(room)


@pytest.mark.parametrize(
    ("name", "came", "lines", "said"),
    [
        (
            "exim-no-such-user",
            BounceOutcome.BOUNCED,
            [Kind.MAIL_BOUNCED, Kind.DO_NOT_CONTACT],
            ":no_entry_sign: *Do not contact*: Emails to this address bounced.",
        ),
        (
            "postfix-mailbox-full",
            BounceOutcome.COUNTED,
            [Kind.MAIL_BOUNCED],
            ":leftwards_arrow_with_hook: *Welcome* bounced (5.2.2): perhaps only for now.",
        ),
        (
            "gmail-policy",
            BounceOutcome.REFUSED,
            [Kind.MAIL_BOUNCED],
            ":leftwards_arrow_with_hook: *Welcome* bounced (5.7.26): their mail server rejected the sender.",
        ),
        (
            "arf-abuse",
            BounceOutcome.COMPLAINED,
            [Kind.MAIL_BOUNCED, Kind.DO_NOT_CONTACT],
            ":no_entry_sign: *Do not contact*: They complained.",
        ),
    ],
)
async def test_a_report_ends_in_what_it_means_and_in_a_line_that_says_so(
    back: Back, name: str, came: BounceOutcome, lines: list[Kind], said: str
) -> None:
    assert await back.take((FOLDER / f"{name}.eml").read_bytes()) is came
    mark = await back.mark()
    causes = {BounceOutcome.BOUNCED: DncReason.BOUNCED, BounceOutcome.COMPLAINED: DncReason.COMPLAINED}
    assert (mark and mark.reason) == causes.get(came)
    assert await back.lines() == lines
    assert await back.last() == said


@pytest.mark.parametrize("name", ["exim-no-such-user", "postfix-mailbox-full", "gmail-policy", "arf-abuse"])
async def test_the_same_report_twice_counts_once(back: Back, name: str) -> None:
    content = (FOLDER / f"{name}.eml").read_bytes()
    await back.take(content)
    await back.lines()
    happened = await back.room.history()
    mark = await back.mark()

    assert await back.take(content) is not BounceOutcome.UNKNOWN
    assert await back.room.history() == happened
    assert await back.mark() == mark
    assert await back.lines() == []


async def test_the_admins_hear_of_a_refusal_because_of_us_and_nobody_is_blocked(back: Back) -> None:
    await back.take((FOLDER / "gmail-policy.eml").read_bytes())
    [said] = await back.room.notified()
    assert "refused an email because of us" in said
    assert await back.mark() is None


async def test_three_mails_that_did_not_get_through_pause_the_address_for_a_month(back: Back) -> None:
    for number in (1, 2, 3):
        if number > 1:
            back.room.clock.now += timedelta(days=7)
            await back.room.ordered(number=number, template=f"letter-{number}", message_id=f"<{number}@vendor.example>")
            await back.room.deliver()
        assert await back.mark() is None
        ours = OURS if number == 1 else f"<{number}@vendor.example>"
        assert await back.take(MAILBOX_FULL.replace(OURS.encode(), ours.encode())) is BounceOutcome.COUNTED

    mark = await back.mark()
    assert mark is not None
    assert mark.reason is DncReason.PAUSED
    assert mark.until == back.room.clock() + timedelta(days=30)
    await back.room.store.dnc.end_pauses(at=mark.until)
    assert await back.mark() is None


async def test_mails_of_long_ago_do_not_count(back: Back) -> None:
    for number in (1, 2, 3):
        if number > 1:
            back.room.clock.now += timedelta(days=20)
            await report(back.room.store, license_(aliases=frozenset({f"E-{number}"}), app_key=f"app-{number}"))
            await back.room.ordered(number, number, message_id=f"<{number}@vendor.example>")
            await back.room.deliver()
        ours = OURS if number == 1 else f"<{number}@vendor.example>"
        await back.take(MAILBOX_FULL.replace(OURS.encode(), ours.encode()))
    assert await back.mark() is None


@pytest.mark.parametrize(
    "content",
    [
        BOUNCE.replace(OURS.encode(), b"<somebody-elses@else.example>"),
        b"",
        b"\xff\x00 nothing at all",
        (FOLDER / "vacation.eml").read_bytes(),
        (FOLDER / "postfix-delayed.eml").read_bytes(),
    ],
    ids=["of no mail of ours", "empty", "bytes", "out of office", "only late"],
)
async def test_what_is_no_report_of_ours_changes_nothing(back: Back, content: bytes) -> None:
    happened = await back.room.history()
    assert await back.take(content) in {BounceOutcome.UNKNOWN, BounceOutcome.NO_REPORT}
    assert (await back.mark(), await back.room.history()) == (None, happened)


async def test_a_mail_is_known_by_the_address_it_came_back_to(back: Back) -> None:
    ses = (FOLDER / "ses-bounce.eml").read_bytes()
    ours = envelope_sender("bounces@vendor.example", 1, KEYS[0])
    forged = envelope_sender("bounces@vendor.example", 1, b"another key")
    tagged = b"bounces+mqqv6x@vendor.example"
    assert tagged in ses
    assert await back.take(ses.replace(tagged, forged.encode())) is BounceOutcome.UNKNOWN
    assert await back.mark() is None
    assert await back.take(ses.replace(tagged, ours.encode())) is BounceOutcome.BOUNCED
    assert await back.mark() is not None


async def test_of_a_mail_that_nobody_knew_about_a_report_says_that_it_went(room: MailSetup) -> None:
    mail_id = await room.ordered(message_id=OURS)
    await room.store.mails.settle(mail_id, MailState.UNKNOWN, at=room.clock())
    await Back(room).take(BOUNCE)
    assert await room.states() == [MailState.SENT]


async def test_a_complaint_is_stronger_than_a_bounce_and_not_the_other_way_round(back: Back) -> None:
    await back.take(BOUNCE)
    await back.take((FOLDER / "arf-abuse.eml").read_bytes())
    mark = await back.mark()
    assert mark is not None
    assert mark.reason is DncReason.COMPLAINED
    await back.take(BOUNCE)
    assert await back.mark() == mark


async def test_of_somebody_who_was_erased_a_report_brings_nothing_back(back: Back) -> None:
    await back.room.store.personal_data.erase(ANA, at=back.room.clock(), by="command line")
    assert await back.take(BOUNCE) is BounceOutcome.BOUNCED
    mark = await back.mark()
    assert mark is not None
    assert (mark.reason, mark.target) == (DncReason.ERASED, None)


async def test_an_address_that_came_back_gets_no_mail_about_another_trial(back: Back) -> None:
    await back.take(BOUNCE)
    await report(back.room.store, license_(aliases=frozenset({"E-2"}), app_key="com.example.charts"))
    found = await ask(back.room.store, order(2, 2))
    assert found == Refused(RefusalReason.DO_NOT_CONTACT)


def to_return_address(name: str, mail_id: int) -> bytes:
    """What came to the address for the bounces of this mail, with no other sign of which mail it was."""
    address = envelope_sender("bounces@vendor.example", mail_id, KEYS[0])
    content = (FOLDER / f"{name}.eml").read_bytes().replace(OURS.encode(), b"<rewritten@relay.example>")
    return content.replace(b"bounces+mqqv6x@vendor.example", address.encode())


@pytest.mark.parametrize("name", ["exim-plain", "qmail", "mixed", "old-gateway"])
async def test_a_plain_notice_at_a_return_address_blocks_the_address(back: Back, name: str) -> None:
    assert await back.take(to_return_address(name, 1)) is BounceOutcome.BOUNCED

    mark = await back.mark()
    assert mark is not None
    assert mark.reason is DncReason.BOUNCED
    assert await back.room.notified() == []


async def test_a_plain_notice_at_a_forged_return_address_changes_nothing(back: Back) -> None:
    forged = to_return_address("exim-plain", 1).replace(b"+1-", b"+2-")

    assert await back.take(forged) is BounceOutcome.NO_REPORT
    assert await back.mark() is None


async def test_what_nobody_understands_is_counted_and_said_once(back: Back) -> None:
    health = Health(back.room.store, poll_every=timedelta(hours=1), clock=back.room.clock)
    for _ in range(2):
        assert await back.take(to_return_address("prose", 1)) is BounceOutcome.UNCLEAR
    assert (await health.report()).bounces_unclear == 1
    assert (await health.figures())["bounces_unclear"] == 1
    assert "came back for *Welcome* that we can't read" in await back.last()
    assert await back.mark() is None
    brought = await bring(back.room.store, at=back.room.clock())
    [said] = [line for line in brought if line.startswith("say")]
    assert "came back for an email that I can't read" in said
    assert len([line for line in brought if line.startswith("note")]) == 1
    assert "acme" not in said
    assert "Alas" not in said

    back.room.clock.now += timedelta(days=1)
    await back.take(to_return_address("prose", 1))
    assert len(await back.room.notified()) == 1

    assert await back.take(to_return_address("exim-plain", 1)) is BounceOutcome.BOUNCED
    assert (await health.report()).bounces_unclear == 0
    await back.take(to_return_address("prose", 1))
    assert (await health.report()).bounces_unclear == 0


async def test_a_rejected_sender_raises_an_alert_and_blocks_nobody(back: Back) -> None:
    assert await back.take((FOLDER / "sender-rejected.eml").read_bytes()) is BounceOutcome.REFUSED

    assert await back.mark() is None
    [said] = await back.room.notified()
    assert "MAIL_FROM" in said
