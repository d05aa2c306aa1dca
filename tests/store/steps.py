"""What a poll, the outbox and a person do to the store, each in one line of a test."""

from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, Table, select

from bot.domain.announcement import AnnouncementPolicy
from bot.domain.card import Card
from bot.domain.dnc import Authority, DncAddResult, DncEntry, DncLift, DncLiftResult, DncTarget
from bot.domain.evaluation import License
from bot.domain.health import IngestStats
from bot.domain.identity import KnownLicense
from bot.domain.mail import MailContent, MailState
from bot.domain.mail_policy import MailRules, NeedsLawfulBasis, Refused
from bot.domain.outbox import ApiMethod, Delivery, DeliveryKind
from bot.store import Store
from bot.store.licenses.batching import ParsedRecord
from bot.store.mail.repository import ClaimedMail, MailRequest, QueuedMail, RejectedMail
from bot.store.schema import evaluation
from tests.builders import FREELY, NOON, TODAY, dnc_entry

SECRET = "a key for tests that is long enough"
CHANNEL = "C0CARDS"
LATER = NOON + timedelta(hours=1)
RINGING = AnnouncementPolicy(today=TODAY)
LETTER = MailContent.__dataclass_fields__.keys()


async def report(
    store: Store, *seen: License, announce: bool = True, channel: str = CHANNEL, at: datetime = NOON
) -> IngestStats:
    """Record one batch of the report as a poll does, in silence unless it is to `announce`."""
    policy = AnnouncementPolicy(today=TODAY, quiet_before=None if announce else date.max)
    return await store.licenses.record([parsed(each) for each in seen], policy, channel=channel, at=at)


async def poll(store: Store, *seen: License) -> IngestStats:
    """Record one batch as `report` does, but for the rows that were read before."""
    digests = await store.licenses.filter_new([repr(each) for each in seen])
    fresh = [
        ParsedRecord(license=s, digests=(digest,))
        for s, digest in zip(seen, digests, strict=True)
        if digest is not None
    ]
    return await store.licenses.record(fresh, RINGING, channel=CHANNEL, at=NOON)


async def known_of(store: Store, *seen: License) -> list[KnownLicense | None]:
    """What the store knows of each of these licenses."""
    return [found.known for found in await store.licenses.diff([parsed(each) for each in seen], RINGING)]


def parsed(seen: License) -> ParsedRecord:
    """A license as it was read, with a digest of all it says."""
    return ParsedRecord(license=seen, digests=(sha256(repr(seen).encode()).digest()[:16],))


async def rows(store: Store, table: Table) -> list[Row[Any]]:
    """Everything a table holds, oldest first."""
    async with store.database.read() as connection:
        return list((await connection.execute(select(table).order_by(*table.primary_key.columns))).all())


async def cards(store: Store) -> list[Card]:
    """The card of every evaluation that was not merged into another one, oldest first."""
    found = [await store.evaluations.card(row.id) for row in await rows(store, evaluation) if row.merged_into is None]
    return [card for card in found if card is not None]


async def only_card(store: Store) -> Card:
    """The card of the only evaluation there is."""
    [card] = await cards(store)
    return card


async def bring(store: Store, *, at: datetime = LATER) -> list[str]:
    """Bring to Slack all that is due, and what it sees: `post card 1`, `note ended in 1.0`, `say …`, `update …`."""
    brought: list[str] = []
    while taken := [each for lane in ApiMethod for each in await store.outbox.claim(lane, now=at)]:
        for delivery in taken:
            brought.append(shown(delivery))
            ts = delivery.card.ts if delivery.card else f"{delivery.evaluation_id or -delivery.id}.0"
            await store.outbox.mark_delivered(delivery, ts=ts)
    return sorted(brought, key=lambda line: ("post", "note", "say", "remind", "update").index(line.split()[0]))


def shown(delivery: Delivery) -> str:
    """What a delivery comes to in Slack, as `bring` says it."""
    match delivery.kind:
        case DeliveryKind.CARD:
            return f"{'update' if delivery.card else 'post'} card {delivery.evaluation_id}"
        case DeliveryKind.NOTE:
            assert delivery.entry is not None
            assert delivery.card is not None
            return f"note {delivery.entry.kind} in {delivery.card.ts}"
        case DeliveryKind.MESSAGE:
            return f"say {delivery.text}"
        case DeliveryKind.SUMMARY:
            return f"say {delivery.waiting} wait"
        case DeliveryKind.REMINDER | DeliveryKind.REPLY | DeliveryKind.FEEDBACK:
            return f"remind {delivery.channel} of {delivery.evaluation_id}"
        case DeliveryKind.DIGEST:
            return f"say digest {delivery.text}"


def order(evaluation_id: int, number: int = 1, **overrides: Any) -> MailRequest:  # noqa: ANN401  of its field's type
    """Bo asks for the welcome mail to the technical contact, to go at once."""
    letter: dict[str, Any] = {
        "template": "welcome",
        "recipient": "technical",
        "subject": "Welcome to Roadmap",
        "body": "Dear Ana Ash",
    }
    given: dict[str, Any] = {
        "evaluation_id": evaluation_id,
        "content": MailContent(**letter | {name: overrides.pop(name) for name in list(overrides) if name in LETTER}),
        "basis": None,
        "message_id": f"<{number}@vendor.example>",
        "by": "U0BO",
        "at": NOON,
        "due_at": NOON,
    }
    return MailRequest(**{**given, **overrides})


async def ask(store: Store, wanted: MailRequest, rules: MailRules = FREELY) -> QueuedMail | NeedsLawfulBasis | Refused:
    """Ask for a mail where the vendor's own rules ask for nothing."""
    return await store.mails.enqueue(wanted, rules)


async def take(store: Store, *, now: datetime = LATER, rules: MailRules = FREELY) -> ClaimedMail | RejectedMail | None:
    """Take the mail that is due longest."""
    return await store.mails.claim(rules, now=now)


async def claimed(store: Store, wanted: MailRequest) -> ClaimedMail:
    """A mail that is under way."""
    assert isinstance(await ask(store, wanted), QueuedMail)
    taken = await take(store)
    assert isinstance(taken, ClaimedMail)
    assert taken.message_id == wanted.message_id
    return taken


async def mailed(store: Store, wanted: MailRequest, outcome: MailState = MailState.SENT) -> ClaimedMail:
    """A mail that came to its end."""
    taken = await claimed(store, wanted)
    await store.mails.settle(taken.mail_id, outcome, at=LATER)
    return taken


async def mark(store: Store, who: str, no: DncEntry | None = None, *, evaluation_id: int | None = None) -> DncAddResult:
    """Block an address, a domain or a site."""
    subject = DncTarget.read(who)
    assert subject is not None
    return await store.dnc.add(subject, no or dnc_entry(target=subject), evaluation_id=evaluation_id)


async def lift(
    store: Store,
    who: str,
    *,
    by: str | None = "U0CY",
    authority: Authority = Authority.MEMBER,
    note: str = "",
    set_at: datetime | None = NOON,
    evaluation_id: int | None = None,
) -> DncLiftResult:
    """Lift an entry that was added at noon, an hour later."""
    subject = DncTarget.read(who)
    assert subject is not None
    return await store.dnc.lift(
        subject,
        DncLift(authority=authority, by=by, at=LATER, note=note),
        set_at=set_at,
        evaluation_id=evaluation_id,
    )
