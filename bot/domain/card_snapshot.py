"""What a card tells, in metadata, to a database that was restored from a backup.

It travels in the metadata of the Slack message: ids, keyed hashes and sites, no addresses or names of people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from bot.domain.app_signal import AppSignal, EarlyEnd, EarlyInstall, SignalKind
from bot.domain.dnc import DncScope
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import State, Trial
from bot.domain.mail import MailState

LONGEST_TRIAL: Final = timedelta(days=90)
"""How far back cards are examined. Older cards are hardly used any more."""
_MAX_EACH: Final = 10
"""The most emails, do-not-contact entries, reminders and aliases in one card; Slack accepts 8,000 characters of
metadata.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSnapshot:
    """An email that was sent, or may have been; `address_key` is the keyed hash of its address."""

    id: int
    template: str
    address_key: str
    message_id: str
    state: MailState
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DncSnapshot:
    """A do-not-contact entry for a contact on the card; `key` is the keyed hash of its subject."""

    scope: DncScope
    key: str
    reason: DncReason
    by: str | None
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderSnapshot:
    """A step that an owner, or nobody, was reminded of."""

    step: str
    owner: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CardSnapshot:
    """What identifies an evaluation, and what must not be lost of it."""

    app_key: str
    aliases: tuple[str, ...]
    started: date
    upgrade_to: str = ""
    mails: tuple[MailSnapshot, ...] = ()
    entries: tuple[DncSnapshot, ...] = ()
    reminders: tuple[ReminderSnapshot, ...] = ()
    install: EarlyInstall | None = None
    """Of an early card: the ids of its license are not known yet."""

    @property
    def trial(self) -> Trial:
        """The trial, with only what identifies it: its start and upgrade."""
        return Trial(
            started=self.started,
            ends=None,
            state=State.RUNNING,
            reported_on=self.started,
            upgrade_to=self.upgrade_to or None,
        )


class UnmatchedCard(StrEnum):
    """Why a card in Slack matches no evaluation; the value is shown to the person who pressed the button."""

    AWAITED = (
        "Nothing was done. This card was posted before a backup of the database was restored, and the licenses report "
        "has not named its trial again yet. Please press again after the next poll."
    )
    REPLACED = (
        "Nothing was done. This is no longer the card of this evaluation: please use the other one in the channel, or "
        "/evaluators today."
    )
    UNKNOWN = (
        "Nothing was done. This card is not on record: it was posted before a backup of the database was restored. "
        "Please use the newer card in the channel, or /evaluators today."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedCard:
    """A message of the bot in a channel. It is a card if it has an `evaluation_id`, and a digest if it has a `digest`:
    its kind and day.
    """

    channel: str
    ts: str
    delivery_id: int | None = None
    evaluation_id: int | None = None
    trace: CardSnapshot | None = None
    digest: str | None = None


def oldest_first(posted: Sequence[PostedCard]) -> list[PostedCard]:
    """Return the cards in the order in which they were posted."""
    return sorted(posted, key=lambda each: float(each.ts))


def pack(trace: CardSnapshot) -> dict[str, Any]:
    """Return the snapshot as metadata: names and plain values."""
    return {
        "app": trace.app_key,
        "aliases": list(trace.aliases[:_MAX_EACH]),
        "started": trace.started.isoformat(),
        "upgrade": trace.upgrade_to,
        "emails": [
            [each.id, each.template, each.address_key, each.message_id, each.state, each.by, each.at.isoformat()]
            for each in trace.mails[-_MAX_EACH:]
        ],
        "dnc": [
            [each.scope, each.key, each.reason, each.by, each.at.isoformat(), each.until and each.until.isoformat()]
            for each in trace.entries[:_MAX_EACH]
        ],
        "reminders": [[each.step, each.owner, each.at.isoformat()] for each in trace.reminders[-_MAX_EACH:]],
        "install": _packed_install(trace.install),
    }


def unpack(payload: Mapping[str, Any]) -> CardSnapshot | None:
    """Return the snapshot that `pack` wrote as this payload, or None if it is invalid."""
    try:
        return CardSnapshot(
            app_key=str(payload["app"]),
            aliases=tuple(str(each) for each in payload["aliases"]),
            started=date.fromisoformat(payload["started"]),
            upgrade_to=str(payload["upgrade"]),
            mails=tuple(_mail(each) for each in payload["emails"]),
            entries=tuple(_entry(*each) for each in payload["dnc"]),
            # A card that an earlier version posted has none.
            reminders=tuple(_reminder(*each) for each in payload.get("reminders", ())),
            install=_install(str(payload["app"]), payload.get("install")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _mail(packed: Sequence[Any]) -> MailSnapshot:
    id_, template, key, message_id, state, by, at = packed
    return MailSnapshot(
        id=int(id_),
        template=str(template),
        address_key=str(key),
        message_id=str(message_id),
        state=MailState(state),
        by=str(by),
        at=datetime.fromisoformat(at),
    )


def _entry(scope: str, key: str, cause: str, by: str | None, at: str, until: str | None) -> DncSnapshot:
    return DncSnapshot(
        scope=DncScope(scope),
        key=str(key),
        reason=DncReason(cause),
        by=by,
        at=datetime.fromisoformat(at),
        until=None if until is None else datetime.fromisoformat(until),
    )


def _reminder(step: str, owner: str, at: str) -> ReminderSnapshot:
    return ReminderSnapshot(step=str(step), owner=str(owner), at=datetime.fromisoformat(at))


def _packed_install(install: EarlyInstall | None) -> list[Any]:
    if install is None:
        return []
    signal = install.signal
    return [signal.key, signal.at.isoformat(), signal.cloud_id, signal.site, list(signal.aliases), install.end]


def _install(app_key: str, packed: Sequence[Any] | None) -> EarlyInstall | None:
    if not packed:
        return None
    key, at, cloud_id, site, aliases, end = packed
    signal = AppSignal(
        key=str(key),
        app_key=app_key,
        kind=SignalKind.INSTALLED,
        at=datetime.fromisoformat(at),
        cloud_id=cloud_id,
        site=site,
        aliases=tuple(aliases),
    )
    return EarlyInstall(signal=signal, end=None if end is None else EarlyEnd(end))
