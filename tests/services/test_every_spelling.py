"""After a no by one spelling of a mailbox, by whatever path, no email leaves to any other."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.dnc import DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import ContactRole, License
from bot.domain.mail_policy import RefusalReason, Refused
from bot.domain.target_parser import split_target
from bot.exports.dnc_csv import read_csv as read_table
from bot.mail.inbound.verp import read_return_address as read_return
from bot.marketplace.license_record import parse_license
from bot.security.keyring import Keyring
from bot.services.dnc import DoNotContact
from bot.services.inbound.bounces import BounceHandler, BounceOutcome
from bot.services.mail.links import Link, Links
from bot.services.operations.alerts import AdminAlerts
from bot.store.schema import evaluation, mail
from tests.builders import TODAY
from tests.examples import drawn, examples
from tests.services.conftest import ADMIN, MailSetup
from tests.services.inbound.test_bounces import ANA, BOUNCE, OURS
from tests.spellings import AROUND, plain, spellings
from tests.store.steps import SECRET, ask, order, report, rows

pytestmark = [pytest.mark.slow, drawn]

NUMBERS: Final = count(100)
MAILBOXES: Final = (
    "ana{}@acme.example",
    "Ana.Lima+{}@xn--mller-kva.example",
    "zoë{}@bücher.example",
    "o'hara{}@例え.test",
)
PATHS: Final = ("report", "form", "command", "table", "unsubscribe", "bounce", "erase")
FORGOTTEN: Final = {RefusalReason.DO_NOT_CONTACT, RefusalReason.NO_CONTACT, RefusalReason.FORGOTTEN}


def a_license(number: int, email: str, days: int = 0) -> License:
    """A running trial of Acme as the report gives it, with this address on it."""
    record = {
        "appEntitlementNumber": f"E-{number}",
        "addonKey": "com.example.roadmap",
        "licenseType": "EVALUATION",
        "status": "active",
        "hosting": "Cloud",
        "maintenanceStartDate": TODAY.isoformat(),
        "maintenanceEndDate": (TODAY + timedelta(days=30)).isoformat(),
        "lastUpdated": (TODAY + timedelta(days=days)).isoformat(),
        "contactDetails": {"technicalContact": {"email": email, "name": "Ana Ash"}},
    }
    found = parse_license(record)
    assert isinstance(found, License)
    return found


class Team:
    """Acme's trials, those who write, and every way to say no."""

    def __init__(self, room: MailSetup) -> None:
        self.room = room
        self.store = room.store
        self.consent = DoNotContact(room.store, clock=room.clock)

    async def trial(self, email: str) -> tuple[int, int]:
        """A trial whose contact has this address: its number, and the id of its evaluation."""
        number = next(NUMBERS)
        await report(self.store, a_license(number, email))
        return number, (await rows(self.store, evaluation))[-1].id

    async def send(self, evaluation_id: int) -> int:
        """An email that went out."""
        number = len(await rows(self.store, mail)) + 1
        mail_id = await self.room.ordered(evaluation_id, message_id=_message_id(number))
        assert mail_id == number
        await self.room.deliver()
        return mail_id

    async def say_no(self, path: str, spelling: str, trial: tuple[int, int], mail_id: int, *, around: str) -> None:
        """By this path, with this spelling where the path has one; else with that of the trial."""
        number, evaluation_id = trial
        match path:
            case "report":
                await report(self.store, a_license(number, "RTBF", days=1))
            case "form":
                await self.consent.add_for_contact(
                    evaluation_id, role=ContactRole.TECHNICAL, reason=DncReason.TEAM, note="", by="U0BO"
                )
            case "command":
                subject = DncTarget.read(split_target(f"{around.format(spelling.strip())} they asked")[0])
                assert subject is not None
                assert (await self.consent.add(subject, reason=DncReason.ASKED, note="", by="U0BO")).changed
            case "table":
                table = io.StringIO()
                csv.writer(table).writerow([around.format(spelling)])
                marks = read_table(table.getvalue(), at=self.room.clock(), by=None)
                assert await self.store.dnc.add_all(marks) == 1
            case "unsubscribe":
                links = Links(Keyring([SECRET]), public_url="https://bot.vendor.example")
                link = links.read(links.url(spelling, mail_id).rpartition("/")[2])
                assert link == Link(address=spelling, mail_id=mail_id)
                await self.consent.unsubscribe(link)
            case "bounce":
                assert await self._inbound.handle(_report(mail_id, spelling)) is BounceOutcome.BOUNCED
            case _:
                await self.store.personal_data.erase(spelling, at=self.room.clock(), by="somebody")

    @property
    def _inbound(self) -> BounceHandler:
        alerts = AdminAlerts(self.store, admins=[ADMIN], channel="C0CARDS", clock=self.room.clock)
        keys = Keyring([SECRET]).return_keys
        ledger = self.store.bounces
        return BounceHandler(
            ledger,
            verp=lambda each: read_return(each, keys),
            tell=alerts.mail_refused,
            tell_unclear=alerts.bounce_unclear,
            clock=self.room.clock,
        )


def _report(mail_id: int, spelling: str) -> bytes:
    """What a server says of an email that went to this address, as servers spell it."""
    local, _, domain = plain(spelling).rpartition("@")
    written = f"{local}@{domain.encode('idna').decode().upper()}"
    return BOUNCE.replace(OURS.encode(), _message_id(mail_id).encode()).replace(ANA.encode(), written.encode())


def _message_id(mail_id: int) -> str:
    return f"<{mail_id}.sample@vendor.example>"


@pytest.mark.timeout(0)
@settings(max_examples=examples(15, many=200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), path=st.sampled_from(PATHS), around=st.sampled_from(AROUND), waits=st.booleans())
async def test_after_a_no_by_one_spelling_no_email_leaves_to_another(
    room: MailSetup, data: st.DataObject, path: str, around: str, *, waits: bool
) -> None:
    mailbox = data.draw(st.sampled_from(MAILBOXES)).format(next(NUMBERS))
    first, second, said = (data.draw(spellings(mailbox)) for _ in range(3))
    team = Team(room)
    one, other = await team.trial(first), await team.trial(second)
    mail_id = await team.send(one[1])
    if waits:
        await room.ordered(other[1], number=next(NUMBERS))
    before = len(room.mailbox.mails)

    await team.say_no(path, said, one, mail_id, around=around)
    await room.deliver(hours=1)

    assert len(room.mailbox.mails) == before
    for evaluation_id in (one[1], other[1]):
        for template in ("another", "and another"):
            asked = await ask(
                team.store, replace(order(evaluation_id, next(NUMBERS)), at=room.clock(), **_of(template))
            )
            assert isinstance(asked, Refused)
            assert asked.reason in FORGOTTEN
    third = await team.trial(data.draw(spellings(mailbox)))
    asked = await ask(team.store, order(third[1], next(NUMBERS)))
    assert isinstance(asked, Refused)
    assert asked.reason in FORGOTTEN


def _of(template: str) -> dict[str, Any]:
    return {"content": replace(order(1).content, template=template)}
