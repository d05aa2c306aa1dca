"""What comes back, and what it changes: only for mails of ours, and only as much as it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from bot.mail.inbound.dsn import BounceKind, RecipientStatus, Report
from bot.services.inbound.bounces import BounceHandler, BounceOutcome, status_for_recipient
from bot.store.mail.bounces import SentMailRef
from tests.builders import NOON

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "bounces"
BOUNCE = (FOLDER / "exim-no-such-user.eml").read_bytes()
ANA = "ana@acme.example"
OURS = "<0c4d2a5b8e7f46b1a3f09d1e2c3b4a59@vendor.example>"


@dataclass
class Ledger:
    """One mail of ours, and what was written down about it."""

    mail: SentMailRef = field(default_factory=lambda: SentMailRef(mail_id=12, address=ANA))
    written: list[tuple[str, int, str]] = field(default_factory=list)

    async def by_message_id(self, message_id: str) -> SentMailRef | None:
        """The mail, by its Message-ID."""
        return self.mail if message_id == OURS else None

    async def by_id(self, mail_id: int) -> SentMailRef | None:
        """The mail, by its number."""
        return self.mail if mail_id == self.mail.mail_id else None

    async def record_hard_bounce(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Note it."""
        self.written.append(("bounced", mail_id, status))

    async def record_complaint(self, mail_id: int, *, at: datetime) -> None:
        """Note it."""
        self.written.append(("complained", mail_id, ""))

    async def record_soft_bounce(self, mail_id: int, *, status: str, at: datetime, threshold: int) -> None:
        """Note it."""
        assert threshold == 3
        self.written.append(("soft", mail_id, status))

    async def record_policy_refusal(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Note it."""
        self.written.append(("refused", mail_id, status))

    async def unclear(self, mail_id: int, *, at: datetime) -> None:
        """Note it."""
        self.written.append(("unclear", mail_id, ""))


@dataclass
class Desk:
    """A service at work, and what it told to each person."""

    ledger: Ledger = field(default_factory=Ledger)
    notified: list[str] = field(default_factory=list)
    mails: dict[str, int] = field(default_factory=dict)

    async def take(self, content: bytes) -> BounceOutcome:
        """Take a mail in."""

        async def tell(status: str) -> None:
            self.notified.append(status)

        async def tell_unclear() -> None:
            self.notified.append("unclear")

        inbound = BounceHandler(
            self.ledger, verp=self.mails.get, tell=tell, tell_unclear=tell_unclear, clock=lambda: NOON
        )
        return await inbound.handle(content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("name", "came", "written", "notified"),
    [
        ("exim-no-such-user", BounceOutcome.BOUNCED, ("bounced", 12, "5.1.1"), []),
        ("postfix-mailbox-full", BounceOutcome.COUNTED, ("soft", 12, "5.2.2"), []),
        ("gmail-policy", BounceOutcome.REFUSED, ("refused", 12, "5.7.26"), ["5.7.26"]),
        ("arf-abuse", BounceOutcome.COMPLAINED, ("complained", 12, ""), []),
        ("truncated", BounceOutcome.BOUNCED, ("bounced", 12, "5.1.1"), []),
        ("sender-rejected", BounceOutcome.REFUSED, ("refused", 12, "5.1.0"), ["5.1.0"]),
        ("sender-rejected-in-words", BounceOutcome.REFUSED, ("refused", 12, "5.1.0"), ["5.1.0"]),
    ],
)
async def test_a_report_on_a_mail_of_ours_does_what_it_says(
    desk: Desk, name: str, came: BounceOutcome, written: tuple[str, int, str], notified: list[str]
) -> None:
    assert await desk.take((FOLDER / f"{name}.eml").read_bytes()) is came
    assert desk.ledger.written == [written]
    assert desk.notified == notified


@pytest.mark.parametrize(
    ("name", "came"),
    [
        ("ses-bounce", BounceOutcome.UNKNOWN),
        ("exim-says-nothing", BounceOutcome.UNKNOWN),
        ("postfix-delayed", BounceOutcome.NO_REPORT),
        ("arf-not-spam", BounceOutcome.NO_REPORT),
        ("vacation", BounceOutcome.NO_REPORT),
        ("reply", BounceOutcome.NO_REPORT),
        ("forwarded-by-a-person", BounceOutcome.NO_REPORT),
        ("exim-plain", BounceOutcome.NO_REPORT),
        ("qmail", BounceOutcome.NO_REPORT),
        ("mixed", BounceOutcome.NO_REPORT),
        ("old-gateway", BounceOutcome.NO_REPORT),
        ("prose", BounceOutcome.NO_REPORT),
    ],
)
async def test_anything_else_changes_nothing(desk: Desk, name: str, came: BounceOutcome) -> None:
    assert await desk.take((FOLDER / f"{name}.eml").read_bytes()) is came
    assert (desk.ledger.written, desk.notified) == ([], [])


async def test_a_mail_whose_message_id_was_changed_on_its_way_is_known_by_the_address_of_the_report(desk: Desk) -> None:
    desk.mails = {"bounces+mqqv6x@vendor.example": 12}

    assert await desk.take((FOLDER / "ses-bounce.eml").read_bytes()) is BounceOutcome.BOUNCED
    assert desk.ledger.written == [("bounced", 12, "5.1.1")]


RETURN = "bounces+mqqv6x@vendor.example"


@pytest.mark.parametrize(
    ("name", "came", "written", "notified"),
    [
        ("exim-plain", BounceOutcome.BOUNCED, ("bounced", "5.1.1"), []),
        ("exim-plain-unrouteable", BounceOutcome.BOUNCED, ("bounced", "5.1.2"), []),
        ("exim-plain-sender", BounceOutcome.REFUSED, ("refused", "5.1.0"), ["5.1.0"]),
        ("qmail", BounceOutcome.BOUNCED, ("bounced", "5.1.1"), []),
        ("qmail-sender", BounceOutcome.REFUSED, ("refused", "5.1.0"), ["5.1.0"]),
        ("mixed", BounceOutcome.BOUNCED, ("bounced", "5.1.1"), []),
        ("old-gateway", BounceOutcome.BOUNCED, ("bounced", "5.1.1"), []),
        ("old-gateway-delay", BounceOutcome.NO_REPORT, None, []),
        ("prose", BounceOutcome.UNCLEAR, ("unclear", ""), ["unclear"]),
        ("postfix-delayed", BounceOutcome.NO_REPORT, None, []),
        ("arf-not-spam", BounceOutcome.NO_REPORT, None, []),
        ("vacation", BounceOutcome.NO_REPORT, None, []),
    ],
)
async def test_plain_notices_at_a_return_address_are_understood_and_the_admins_hear_of_the_rest(
    desk: Desk, name: str, came: BounceOutcome, written: tuple[str, str] | None, notified: list[str]
) -> None:
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes()

    assert await desk.take(content.replace(OURS.encode(), b"<rewritten@relay.example>")) is came
    assert desk.ledger.written == ([] if written is None else [(written[0], 12, written[1])])
    assert desk.notified == notified


@pytest.mark.parametrize("name", ["reply", "read-receipt"])
async def test_the_admins_hear_of_a_letter_to_a_return_address_but_not_of_a_receipt(desk: Desk, name: str) -> None:
    desk.mails = {"hello@vendor.example": 12}

    assert (
        await desk.take((FOLDER / f"{name}.eml").read_bytes())
        is {
            "reply": BounceOutcome.UNCLEAR,
            "read-receipt": BounceOutcome.NO_REPORT,
        }[name]
    )


@pytest.mark.parametrize("name", ["exim-plain", "qmail", "mixed", "old-gateway"])
async def test_a_notice_about_somebody_else_blocks_nobody(desk: Desk, name: str) -> None:
    """It may be true: the mail was passed on. For a notice in words alone that is not enough to count."""
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes().replace(ANA.encode(), b"cy@else.example")

    assert await desk.take(content) is (BounceOutcome.UNCLEAR if name == "old-gateway" else BounceOutcome.COUNTED)
    assert [what for what, _, _ in desk.ledger.written] == ["unclear" if name == "old-gateway" else "soft"]


async def test_a_notice_about_an_erased_person_blocks_nobody(desk: Desk) -> None:
    desk.mails, desk.ledger.mail = {RETURN: 12}, SentMailRef(mail_id=12, address=None)

    assert await desk.take((FOLDER / "old-gateway.eml").read_bytes()) is BounceOutcome.UNCLEAR


@pytest.mark.parametrize("name", ["exim-plain", "qmail", "old-gateway", "prose"])
async def test_a_return_address_inside_of_what_came_proves_nothing(desk: Desk, name: str) -> None:
    """A recipient can write the return address into a text, but cannot make a message arrive there."""
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes()
    head, _, body = content.partition(b"\n\n")

    assert await desk.take(head.replace(b"mqqv6x", b"forged") + b"\n\n" + body) is BounceOutcome.NO_REPORT
    assert (desk.ledger.written, desk.notified) == ([], [])


async def test_an_address_for_a_mail_that_is_gone_changes_nothing(desk: Desk) -> None:
    desk.mails = {"bounces+mqqv6x@vendor.example": 13}

    assert await desk.take((FOLDER / "ses-bounce.eml").read_bytes()) is BounceOutcome.UNKNOWN


def reported(*findings: RecipientStatus) -> Report:
    """A report of that, and of nothing else."""
    return Report(
        findings=findings, is_standard=True, is_harmless=False, message_ids=(), delivered_to=(), returned_to=()
    )


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        pytest.param("trials@acme.example", BounceKind.HARD, id="the strongest of its own"),
        pytest.param("BO@acme.example ", BounceKind.SOFT, id="its own and not a stronger one of others"),
        pytest.param("someone@third.example", BounceKind.SOFT, id="those that it was passed on to are gone"),
        pytest.param(None, BounceKind.HARD, id="an address that was forgotten"),
    ],
)
def test_a_report_on_several_says_of_an_address_what_concerns_it(address: str | None, kind: BounceKind) -> None:
    findings = (
        RecipientStatus(
            kind=BounceKind.SOFT, status="4.2.2", address="bo@acme.example", original="trials@acme.example"
        ),
        RecipientStatus(
            kind=BounceKind.HARD, status="5.1.1", address="cy@else.example", original="trials@acme.example"
        ),
        RecipientStatus(kind=BounceKind.POLICY, status="5.7.1", address="di@else.example"),
    )

    assert status_for_recipient(reported(*findings), address).kind is kind


def test_a_domain_beyond_ascii_is_the_same_in_both_writings() -> None:
    finding = RecipientStatus(kind=BounceKind.HARD, status="5.1.1", address="ana@xn--mller-kva.example")

    assert status_for_recipient(reported(finding), "ana@müller.example") == finding


def test_a_complaint_counts_for_any_name_in_it() -> None:
    """Most services take the address out of it."""
    complaint = RecipientStatus(kind=BounceKind.COMPLAINT, address="redacted")

    assert status_for_recipient(reported(complaint), ANA) == complaint


async def test_nothing_of_a_report_reaches_the_log(desk: Desk, logged: Callable[[], str]) -> None:
    desk.mails = {RETURN: 12}
    for path in FOLDER.glob("*.eml"):
        await desk.take(path.read_bytes())

    said = logged()
    assert "bounce_handled" in said
    assert "bounce_not_understood" in said
    assert "5.1.10" in said
    assert not [word for word in ("@", "acme", "Ana", "vendor", "User unknown") if word in said]
