"""A post room: a real store, a real mailbox on loopback, and the one who carries mail between them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.fake_smtp import Mailbox
from bot.domain.history import Kind
from bot.domain.mail import MailState
from bot.domain.mail_policy import MailRules
from bot.mail.outbound.compose import Sender
from bot.mail.outbound.smtp import Smtp, SmtpServer
from bot.services.mail.mailer import Mailer
from bot.services.mail.worker import MailWorker
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store, open_store
from bot.store.mail.repository import QueuedMail
from bot.store.schema import history, mail
from tests.builders import FREELY, license_
from tests.machine import limit
from tests.mail.conftest import Tls, genuine, signer, tls  # noqa: F401  pytest finds a fixture where its name is
from tests.store.steps import SECRET, ask, bring, order, report, rows
from tests.world import Clock

ADMIN = "U0CHIKA"
SENDER = Sender(from_address="Ana Sample <hello@vendor.example>", postal_address="1 Sample Street, Springfield")


@dataclass(kw_only=True)
class MailSetup:
    """Acme's trial, a mailbox, and a new mail worker each time, which knows of no pauses."""

    store: Store
    mailbox: Mailbox
    port: int
    clock: Clock = field(default_factory=Clock)
    rules: MailRules = FREELY
    server: dict[str, Any] = field(default_factory=dict)
    """What is different about the server from one that takes everything."""
    trust: Any = None
    post: dict[str, Any] = field(default_factory=dict)
    """What the mailer has beside a sender."""

    @property
    def office(self) -> Mailer:
        """The mailer."""
        server = SmtpServer(
            **{"host": "127.0.0.1", "port": self.port, "tls": "none", "timeout": limit(5), **self.server}
        )
        given = {"sender": SENDER, "vendor": "Sample Vendor", "kept": timedelta(days=730)}
        return Mailer(smtp=Smtp(server, trust=self.trust), **{**given, **self.post})

    @property
    def mail_worker(self) -> MailWorker:
        """A new mail worker."""
        alerts = AdminAlerts(self.store, admins=[ADMIN], channel="C0CARDS", clock=self.clock)
        return MailWorker(self.store, self.office, rules=self.rules, alerts=alerts, clock=self.clock)

    async def ordered(self, evaluation_id: int = 1, number: int = 1, **changes: Any) -> int:  # noqa: ANN401
        """The id of a mail that Bo asked for, to go at once."""
        times = {"at": self.clock(), "due_at": self.clock()}
        held = await ask(self.store, order(evaluation_id, number, **{**times, **changes}), self.rules)
        assert isinstance(held, QueuedMail)
        return held.mail_id

    async def deliver(self, **later: float) -> None:
        """Let time pass, then send what is due by then."""
        self.clock.now += timedelta(**later)
        await self.mail_worker.deliver()

    async def states(self) -> list[MailState]:
        """How far each mail came, in the order in which they were asked for."""
        return [MailState(row.state) for row in await rows(self.store, mail)]

    async def due(self) -> timedelta:
        """How long until the next mail is due."""
        due = await self.store.mails.next_due()
        assert due is not None
        return due - self.clock()

    async def history(self) -> list[Kind]:
        """What happened since the trial began."""
        return [row.kind for row in (await rows(self.store, history)) if row.kind != Kind.STARTED]

    async def why(self) -> str:
        """Why the last thing that happened did."""
        return str((await rows(self.store, history))[-1].details.get("error", ""))

    async def notified(self) -> list[str]:
        """What the admin was told since somebody last looked."""
        return [line for line in await bring(self.store, at=self.clock()) if line.startswith("say")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path / 'evaluators.db'}", secret_keys=[SECRET]) as found:
        yield found


@pytest.fixture
async def room(store: Store) -> AsyncIterator[MailSetup]:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        await report(store, license_())
        yield MailSetup(store=store, mailbox=mailbox, port=port)
