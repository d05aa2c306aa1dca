"""What comes back, and what it changes: only for mails of ours, and only as much as it says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from bot.mail.inbound.dsn import Finding, Kind, Report
from bot.services.inbound.bounces import Came, Inbound, about
from bot.store.mail.bounces import OurMail
from tests.builders import NOON

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "bounces"
BOUNCE = (FOLDER / "exim-no-such-user.eml").read_bytes()
ANA = "ana@acme.example"
OURS = "<0c4d2a5b8e7f46b1a3f09d1e2c3b4a59@vendor.example>"


@dataclass
class Ledger:
    """One mail of ours, and what was written down about it."""

    mail: OurMail = field(default_factory=lambda: OurMail(mail_id=12, address=ANA))
    written: list[tuple[str, int, str]] = field(default_factory=list)

    async def by_message_id(self, message_id: str) -> OurMail | None:
        """The mail, by its Message-ID."""
        return self.mail if message_id == OURS else None

    async def by_id(self, mail_id: int) -> OurMail | None:
        """The mail, by its number."""
        return self.mail if mail_id == self.mail.mail_id else None

    async def bounced(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Note it."""
        self.written.append(("bounced", mail_id, status))

    async def complained(self, mail_id: int, *, at: datetime) -> None:
        """Note it."""
        self.written.append(("complained", mail_id, ""))

    async def soft(self, mail_id: int, *, status: str, at: datetime, patience: int) -> None:
        """Note it."""
        assert patience == 3
        self.written.append(("soft", mail_id, status))

    async def refused(self, mail_id: int, *, status: str, at: datetime) -> None:
        """Note it."""
        self.written.append(("refused", mail_id, status))

    async def unclear(self, mail_id: int, *, at: datetime) -> None:
        """Note it."""
        self.written.append(("unclear", mail_id, ""))


@dataclass
class Desk:
    """A service at work, and whom it told what."""

    ledger: Ledger = field(default_factory=Ledger)
    told: list[str] = field(default_factory=list)
    mails: dict[str, int] = field(default_factory=dict)

    async def take(self, content: bytes) -> Came:
        """Take a mail in."""

        async def tell(status: str) -> None:
            self.told.append(status)

        async def tell_unclear() -> None:
            self.told.append("unclear")

        inbound = Inbound(self.ledger, verp=self.mails.get, tell=tell, tell_unclear=tell_unclear, clock=lambda: NOON)
        return await inbound.take(content)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("name", "came", "written", "told"),
    [
        ("exim-no-such-user", Came.BOUNCED, ("bounced", 12, "5.1.1"), []),
        ("postfix-mailbox-full", Came.COUNTED, ("soft", 12, "5.2.2"), []),
        ("gmail-policy", Came.REFUSED, ("refused", 12, "5.7.26"), ["5.7.26"]),
        ("arf-abuse", Came.COMPLAINED, ("complained", 12, ""), []),
        ("truncated", Came.BOUNCED, ("bounced", 12, "5.1.1"), []),
        ("sender-rejected", Came.REFUSED, ("refused", 12, "5.1.0"), ["5.1.0"]),
        ("sender-rejected-in-words", Came.REFUSED, ("refused", 12, "5.1.0"), ["5.1.0"]),
    ],
)
async def test_a_report_on_a_mail_of_ours_does_what_it_says(
    desk: Desk, name: str, came: Came, written: tuple[str, int, str], told: list[str]
) -> None:
    assert await desk.take((FOLDER / f"{name}.eml").read_bytes()) is came
    assert desk.ledger.written == [written]
    assert desk.told == told


@pytest.mark.parametrize(
    ("name", "came"),
    [
        ("ses-bounce", Came.UNKNOWN),
        ("exim-says-nothing", Came.UNKNOWN),
        ("postfix-delayed", Came.NO_REPORT),
        ("arf-not-spam", Came.NO_REPORT),
        ("vacation", Came.NO_REPORT),
        ("reply", Came.NO_REPORT),
        ("forwarded-by-a-person", Came.NO_REPORT),
        ("exim-plain", Came.NO_REPORT),
        ("qmail", Came.NO_REPORT),
        ("mixed", Came.NO_REPORT),
        ("old-gateway", Came.NO_REPORT),
        ("prose", Came.NO_REPORT),
    ],
)
async def test_anything_else_changes_nothing(desk: Desk, name: str, came: Came) -> None:
    assert await desk.take((FOLDER / f"{name}.eml").read_bytes()) is came
    assert (desk.ledger.written, desk.told) == ([], [])


async def test_a_mail_whose_message_id_was_changed_on_its_way_is_known_by_the_address_of_the_report(desk: Desk) -> None:
    desk.mails = {"bounces+mqqv6x@vendor.example": 12}

    assert await desk.take((FOLDER / "ses-bounce.eml").read_bytes()) is Came.BOUNCED
    assert desk.ledger.written == [("bounced", 12, "5.1.1")]


RETURN = "bounces+mqqv6x@vendor.example"


@pytest.mark.parametrize(
    ("name", "came", "written", "told"),
    [
        ("exim-plain", Came.BOUNCED, ("bounced", "5.1.1"), []),
        ("exim-plain-unrouteable", Came.BOUNCED, ("bounced", "5.1.2"), []),
        ("exim-plain-sender", Came.REFUSED, ("refused", "5.1.0"), ["5.1.0"]),
        ("qmail", Came.BOUNCED, ("bounced", "5.1.1"), []),
        ("qmail-sender", Came.REFUSED, ("refused", "5.1.0"), ["5.1.0"]),
        ("mixed", Came.BOUNCED, ("bounced", "5.1.1"), []),
        ("old-gateway", Came.BOUNCED, ("bounced", "5.1.1"), []),
        ("old-gateway-delay", Came.NO_REPORT, None, []),
        ("prose", Came.UNCLEAR, ("unclear", ""), ["unclear"]),
        ("postfix-delayed", Came.NO_REPORT, None, []),
        ("arf-not-spam", Came.NO_REPORT, None, []),
        ("vacation", Came.NO_REPORT, None, []),
    ],
)
async def test_at_the_return_address_of_a_mail_plain_notices_are_understood_and_the_rest_is_told(
    desk: Desk, name: str, came: Came, written: tuple[str, str] | None, told: list[str]
) -> None:
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes()

    assert await desk.take(content.replace(OURS.encode(), b"<rewritten@relay.example>")) is came
    assert desk.ledger.written == ([] if written is None else [(written[0], 12, written[1])])
    assert desk.told == told


@pytest.mark.parametrize("name", ["reply", "read-receipt"])
async def test_of_what_people_send_to_a_return_address_a_letter_is_told_and_a_receipt_is_not(
    desk: Desk, name: str
) -> None:
    desk.mails = {"hello@vendor.example": 12}

    assert (
        await desk.take((FOLDER / f"{name}.eml").read_bytes())
        is {
            "reply": Came.UNCLEAR,
            "read-receipt": Came.NO_REPORT,
        }[name]
    )


@pytest.mark.parametrize("name", ["exim-plain", "qmail", "mixed", "old-gateway"])
async def test_a_notice_about_somebody_else_marks_nobody(desk: Desk, name: str) -> None:
    """It may be true: the mail was passed on. For a notice in words alone that is not enough to count."""
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes().replace(ANA.encode(), b"cy@else.example")

    assert await desk.take(content) is (Came.UNCLEAR if name == "old-gateway" else Came.COUNTED)
    assert [what for what, _, _ in desk.ledger.written] == ["unclear" if name == "old-gateway" else "soft"]


async def test_a_notice_on_a_person_who_was_forgotten_marks_nobody(desk: Desk) -> None:
    desk.mails, desk.ledger.mail = {RETURN: 12}, OurMail(mail_id=12, address=None)

    assert await desk.take((FOLDER / "old-gateway.eml").read_bytes()) is Came.UNCLEAR


@pytest.mark.parametrize("name", ["exim-plain", "qmail", "old-gateway", "prose"])
async def test_a_return_address_inside_of_what_came_proves_nothing(desk: Desk, name: str) -> None:
    """Whoever got the mail can write its return address into a text; to have it come there is another thing."""
    desk.mails = {RETURN: 12}
    content = (FOLDER / f"{name}.eml").read_bytes()
    head, _, body = content.partition(b"\n\n")

    assert await desk.take(head.replace(b"mqqv6x", b"forged") + b"\n\n" + body) is Came.NO_REPORT
    assert (desk.ledger.written, desk.told) == ([], [])


async def test_an_address_for_a_mail_that_is_gone_changes_nothing(desk: Desk) -> None:
    desk.mails = {"bounces+mqqv6x@vendor.example": 13}

    assert await desk.take((FOLDER / "ses-bounce.eml").read_bytes()) is Came.UNKNOWN


def reported(*findings: Finding) -> Report:
    """A report of that, and of nothing else."""
    return Report(
        findings=findings, is_standard=True, is_harmless=False, message_ids=(), delivered_to=(), returned_to=()
    )


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        pytest.param("trials@acme.example", Kind.HARD, id="the strongest of its own"),
        pytest.param("BO@acme.example ", Kind.SOFT, id="its own and not a stronger one of others"),
        pytest.param("someone@third.example", Kind.SOFT, id="others are gone to whom it was passed on"),
        pytest.param(None, Kind.HARD, id="an address that was forgotten"),
    ],
)
def test_a_report_on_several_says_of_an_address_what_concerns_it(address: str | None, kind: Kind) -> None:
    findings = (
        Finding(kind=Kind.SOFT, status="4.2.2", address="bo@acme.example", original="trials@acme.example"),
        Finding(kind=Kind.HARD, status="5.1.1", address="cy@else.example", original="trials@acme.example"),
        Finding(kind=Kind.POLICY, status="5.7.1", address="di@else.example"),
    )

    assert about(reported(*findings), address).kind is kind


def test_a_domain_beyond_ascii_is_the_same_in_both_writings() -> None:
    finding = Finding(kind=Kind.HARD, status="5.1.1", address="ana@xn--mller-kva.example")

    assert about(reported(finding), "ana@müller.example") == finding


def test_a_complaint_counts_whoever_it_names() -> None:
    """Most services take the address out of it."""
    complaint = Finding(kind=Kind.COMPLAINT, address="redacted")

    assert about(reported(complaint), ANA) == complaint


async def test_nothing_of_a_report_reaches_the_log(desk: Desk, logged: Callable[[], str]) -> None:
    desk.mails = {RETURN: 12}
    for path in FOLDER.glob("*.eml"):
        await desk.take(path.read_bytes())

    said = logged()
    assert "report_taken" in said
    assert "report_unclear" in said
    assert "5.1.10" in said
    assert not [word for word in ("@", "acme", "Ana", "vendor", "User unknown") if word in said]
