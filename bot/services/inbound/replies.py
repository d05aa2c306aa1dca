"""Read the mailbox for replies: take what answers one of our emails, and leave everything else alone."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from bot.concurrency.backoff import Backoff
from bot.concurrency.heartbeats import Beat
from bot.concurrency.own_thread import OwnThread
from bot.domain.absence import absent_until
from bot.domain.health import MailboxStatus
from bot.domain.replies import ReplyContent, ReplyKind, writer_of
from bot.domain.reply_kinds import MessageKind, has_left, is_refusal, kind_of
from bot.domain.reply_matching import RECENT, Match, match
from bot.errors import MailboxRefused, MailboxUnavailable
from bot.mail.inbound.imap import BATCH, FetchedHeader, ImapAccount, ImapMailbox, OpenFolder, Secret
from bot.mail.inbound.reply import FIELDS, Incoming, read_incoming, read_traits
from bot.mail.inbound.reply_text import ReplyText, read_text
from bot.metrics.catalog import INBOUND
from bot.metrics.labels import InboundResult, InboundSource
from bot.metrics.meter import OFF, Meter
from bot.services.inbound.bounces import BounceHandler
from bot.services.operations.alerts import AdminAlerts
from bot.store import Store
from bot.store.mail.replies import Candidates, NewReply, Position

log = structlog.get_logger()

_SLICE_S: Final = 60.0
"""Seconds in IDLE, or between two searches. Servers drop a connection that idles for half an hour (RFC 2177)."""
_FIRST_SLICE_S: Final = 1.0
"""The same after anything came. A message that comes between a search and IDLE may never be announced: the server
announces it in its answer to another command, or together with that to IDLE, and the library doesn't see it there.
"""
_BACKOFF: Final = Backoff(base=5.0, maximum=300.0)
_FAILURES_BEFORE_ALERT: Final = 5
"""Failed connections in a row after which the admins are told: some two minutes."""
_OVERLAP: Final = timedelta(days=2)
"""How far back to look once the numbers of the messages start again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The mailbox, and how to recognize what is about our emails."""

    account: ImapAccount
    secret: Callable[[], Awaitable[Secret]]
    reply_tag: Callable[[str], int | None]
    """Reads the id of an email out of its reply address."""
    bounce_tag: Callable[[str], int | None]
    is_own: Callable[[str], bool]
    """Whether an address is one of ours."""

    @property
    def folder(self) -> str:
        """The key under which the store knows the folder."""
        place = f"{self.account.host}\n{self.account.username}\n{self.account.folder}"
        return hashlib.sha256(place.encode()).hexdigest()[:40]


class ReplyReader:
    """Reads the mailbox as long as the bot leads. Nothing of other people's email is stored or logged."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        *,
        bounces: BounceHandler,
        alerts: AdminAlerts,
        clock: Callable[[], datetime],
        beat: Beat = lambda: None,
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._bounces = bounces
        self._alerts = alerts
        self._clock = clock
        self._beat = beat
        self.meter: Meter = OFF
        self._begin()
        self._heard_at: float | None = None
        self._problem: str | None = None

    def status(self) -> MailboxStatus:
        """Return when the mailbox was heard last, and what is wrong with it."""
        heard = None if self._heard_at is None else timedelta(seconds=time.monotonic() - self._heard_at)
        return MailboxStatus(heard=heard, problem=self._problem)

    async def run(self) -> None:
        """Read until this task is cancelled."""
        failures = 0
        self._begin()
        try:
            while True:
                self._beat()
                try:
                    await self._read_on()
                except (MailboxRefused, MailboxUnavailable) as exc:
                    failures = 1 if self._problem is None else failures + 1
                    self._problem = str(exc)
                    log.warning("mailbox_unread", reason=str(exc))
                    if isinstance(exc, MailboxRefused) or failures >= _FAILURES_BEFORE_ALERT:
                        await self._alerts.mailbox_unread(exc)
                    await asyncio.sleep(_BACKOFF.after(failures))
        finally:
            await self.close()

    async def connect(self, secret: Secret) -> OpenFolder:
        """Log in and open the folder. Raises MailboxRefused or MailboxUnavailable."""
        return await self._thread.run(lambda: self._mailbox.open(secret))

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await self._thread.end(self._mailbox.close)

    def _begin(self) -> None:
        """Begin with a new connection in a new thread: both end with each run."""
        self._mailbox = ImapMailbox(self._inbox.account)
        self._thread = OwnThread("mailbox", interrupt=self._mailbox.interrupt)

    async def _read_on(self) -> None:
        """Connect and read until the connection breaks."""
        opened = await self.connect(await self._inbox.secret())
        await self.read_new(opened)
        await self._alerts.mailbox_read_again()
        seconds = _FIRST_SLICE_S
        while True:
            await self._thread.run(partial(self._mailbox.wait, seconds, idle=opened.has_idle))
            self._beat()
            seconds = _FIRST_SLICE_S if await self.read_new(opened) else _SLICE_S

    async def read_new(self, opened: OpenFolder) -> bool:
        """Read everything that came since the last time. Return whether there was anything."""
        position = await self._store.replies.position(self._inbox.folder)
        after, since = 0, None
        if position is None:
            since = self._clock() - RECENT
        elif position.uidvalidity != opened.uidvalidity:
            log.warning("mailbox_numbered_anew")
            since = self._clock() - _OVERLAP
        else:
            after = position.uid
        day = None if since is None else since.date()
        uids = await self._thread.run(lambda: self._mailbox.uids(after=after, since=day))
        self._heard_at, self._problem = time.monotonic(), None
        ours = 0
        for start in range(0, len(uids), BATCH):
            self._beat()
            ours += await self._read_batch(uids[start : start + BATCH], opened)
        if uids:
            log.info("mailbox_read", messages=len(uids), ours=ours)
        if since is not None and not uids:
            await self._store.replies.move(self._position(opened, opened.uidnext - 1))
        return bool(uids)

    async def _read_batch(self, uids: Sequence[int], opened: OpenFolder) -> int:
        """Read some messages and return how many are for us."""
        messages = await self._thread.run(partial(self._fetch, uids))
        candidates = await self._candidates([found for _, found in messages])
        ours = list[int]()
        for uid, found in messages:
            self._store.leases.ensure()
            try:
                is_ours = await self._read_message(uid, found, candidates, opened)
            except (ValueError, LookupError, RecursionError, TypeError, AttributeError) as exc:
                log.warning("reply_unreadable", error=type(exc).__name__)  # a message of any shape may come
                self.meter.count(INBOUND, InboundSource.IMAP, InboundResult.FAILED)
                continue
            result = InboundResult.HANDLED if is_ours else InboundResult.IGNORED
            self.meter.count(INBOUND, InboundSource.IMAP, result)
            if is_ours:
                ours.append(uid)
        # What was read is settled before the position passes it: a reply stays unseen rather than unread.
        await self._thread.run(lambda: self._mailbox.settle(ours))
        await self._store.replies.move(self._position(opened, uids[-1]))
        return len(ours)

    def _fetch(self, uids: Sequence[int]) -> list[tuple[int, Incoming]]:
        """Return what the headers of some messages say, by UID. Runs in the thread of the mailbox."""
        fetched = self._mailbox.headers(uids, FIELDS)
        return [(each.uid, found) for each in fetched if (found := self._incoming(each)) is not None]

    def _fetch_message(self, uid: int) -> tuple[bytes, MessageKind]:
        """Return a message and what it is; empty if it is gone. Runs in the thread of the mailbox."""
        content = self._mailbox.body(uid)
        return content, kind_of(read_traits(content, own=self._inbox.is_own))

    def _incoming(self, fetched: FetchedHeader) -> Incoming | None:
        try:
            return read_incoming(fetched.content, tag=self._inbox.reply_tag)
        except (ValueError, LookupError, TypeError, AttributeError) as exc:
            log.warning("reply_unreadable", error=type(exc).__name__)
            self.meter.count(INBOUND, InboundSource.IMAP, InboundResult.FAILED)
            return None

    async def _candidates(self, messages: Sequence[Incoming]) -> Candidates:
        clues = [each.clues for each in messages]
        return await self._store.replies.candidates(
            message_ids={each for clue in clues for each in clue.answers},
            mail_ids={each for clue in clues for each in clue.tagged},
            senders={clue.sender for clue in clues if clue.sender},
            keys={each.key for each in messages},
            since=self._clock() - RECENT,
        )

    async def _read_message(self, uid: int, found: Incoming, candidates: Candidates, opened: OpenFolder) -> bool:
        """Read one message, and more than some of its headers only if it is for us. Return whether it is."""
        is_returned = any(self._inbox.bounce_tag(each) is not None for each in found.addresses)
        answered = match(found.clues, candidates.sent)
        if answered is None and not is_returned:
            return False
        if found.key in candidates.known:
            return True
        content, kind = await self._thread.run(lambda: self._fetch_message(uid))
        if not content:
            return False
        if kind is MessageKind.BOUNCE or (is_returned and kind is not MessageKind.RECEIPT):
            await self._bounces.handle(content)
            return True
        if answered is None or kind not in {MessageKind.AUTOMATIC, MessageKind.PERSONAL}:
            return False
        text = await self._thread.run(lambda: read_text(content))
        new = _new_reply(found, answered, text, kind, at=self._clock())
        if await self._store.replies.record(new, self._position(opened, uid)) is not None:
            log.info("reply_recorded", mail=new.mail_id, kind=new.kind.value)
        return True

    def _position(self, opened: OpenFolder, uid: int) -> Position:
        return Position(folder=self._inbox.folder, uidvalidity=opened.uidvalidity, uid=max(uid, 0), at=self._clock())


def _new_reply(found: Incoming, answered: Match, text: ReplyText, kind: MessageKind, *, at: datetime) -> NewReply:
    """Return what is recorded of a message that answers one of our emails."""
    content = ReplyContent(
        text=text.text,
        full_text=text.full_text,
        subject=found.clues.subject,
        sender=found.clues.sender,
        message_id=found.message_id,
        references=found.references,
        attachments=text.attachments,
        is_probable=answered.is_probable,
    )
    became = ReplyKind.REPLY
    if kind is MessageKind.AUTOMATIC:
        became = ReplyKind.AUTOMATIC
        until = absent_until(text.text, today=at.date())
        content = replace(content, absent_until=until, has_left=has_left(text.text))
    elif is_refusal(text.text, found.clues.subject):
        became = ReplyKind.REFUSAL
    return NewReply(
        mail_id=answered.mail.mail_id,
        message_key=found.key,
        kind=became,
        writer=writer_of(found.clues.sender, answered.mail.address),
        content=content,
        at=at,
    )
