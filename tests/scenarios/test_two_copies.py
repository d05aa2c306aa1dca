"""Two copies of the bot on one database, with one mail server: each mail goes once, from either copy."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP

from bot.demo.fake_smtp import Mailbox
from bot.domain.mail import MailState
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.services.mail.mailer import Mailer
from bot.services.mail.worker import MailWorker
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store, open_store
from bot.store.mail.repository import QueuedMail
from bot.store.schema import mail
from tests.builders import FREELY, contact, license_
from tests.postgres import needs_a_server
from tests.store.steps import CHANNEL, LATER, SECRET, ask, order, report, rows

pytestmark = pytest.mark.slow

MANY = 12


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_a_server)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}"
    found: str = request.getfixturevalue("postgres")
    return found


@dataclass
class Copy:
    """One of the bots."""

    store: Store
    mail_worker: MailWorker


@asynccontextmanager
async def copies(url: str, port: int) -> AsyncIterator[tuple[Copy, Copy]]:
    """Two bots that share all but their memory."""

    async def copy() -> Copy:
        store = await stack.enter_async_context(open_store(url, secret_keys=[SECRET]))
        post = Mailer(
            smtp=Smtp(SmtpServer(host="127.0.0.1", port=port, tls="none")),
            sender=Sender(from_address="ana@vendor.example", postal_address="1 Sample Street"),
            vendor=None,
            kept=timedelta(days=730),
        )
        alerts = AdminAlerts(store, admins=(), channel=CHANNEL, clock=_later)
        return Copy(store, MailWorker(store, post, rules=FREELY, alerts=alerts, clock=_later))

    async with AsyncExitStack() as stack:
        yield await copy(), await copy()


def _later() -> datetime:
    return LATER


async def test_of_many_mails_that_both_would_send_each_goes_once(url: str) -> None:
    box = Mailbox()
    async with box.serve() as port, copies(url, port) as (one, other):
        people = [contact(email=f"ana{n}@acme.example") for n in range(MANY)]
        trials = [license_(aliases=frozenset({f"E-{n}"}), technical=who) for n, who in enumerate(people)]
        await report(one.store, *trials)
        for number in range(1, MANY + 1):
            assert isinstance(await ask(one.store, order(number, number)), QueuedMail)

        await asyncio.gather(*(each.mail_worker.deliver() for each in (one, other)))

        assert {row.state for row in await rows(one.store, mail)} == {MailState.SENT}
    assert Counter(each["headers"]["Message-ID"] for each in box.mails) == Counter(
        f"<{number}@vendor.example>" for number in range(1, MANY + 1)
    )


async def test_one_that_starts_does_not_send_what_the_other_has_in_hand(url: str) -> None:
    box, taken, go_on = Mailbox(), asyncio.Event(), asyncio.Event()

    async def slow(_: SMTP) -> str:
        taken.set()
        await go_on.wait()
        return "250 OK"

    box.faults["ANSWER"] = slow
    async with box.serve() as port, copies(url, port) as (one, other):
        await report(one.store, license_())
        await ask(one.store, order(1))
        sending = asyncio.create_task(one.mail_worker.deliver())
        await taken.wait()

        await other.store.mails.recover_in_flight(at=LATER)
        await other.mail_worker.deliver()
        [unknown] = await rows(other.store, mail)
        go_on.set()
        await sending
        await other.mail_worker.deliver()

        [sent] = await rows(other.store, mail)
        assert (unknown.state, sent.state) == (MailState.UNKNOWN, MailState.SENT)
    assert len(box.mails) == 1
