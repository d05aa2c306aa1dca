"""Add do-not-contact entries, and lift them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.address import canonical
from bot.domain.card import blocked_person
from bot.domain.dnc import (
    Authority,
    DncAddResult,
    DncEntry,
    DncLift,
    DncLiftResult,
    DncTarget,
    covering_targets,
    targets_for,
)
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Contact, ContactRole
from bot.domain.mail_policy import RefusalReason, Refused
from bot.services.mail.links import Link
from bot.store import Store


class DoNotContact:
    """Do-not-contact entries that people add and lift: from a card, by a command, by the link in an email.

    `admins` (Slack user ids) may lift what a person said themselves, for the record.
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime], admins: Collection[str] = ()) -> None:
        self._store = store
        self._clock = clock
        self._admins = frozenset(admins)

    async def contacts(self, evaluation_id: int) -> Mapping[str, Contact]:
        """Return the contacts that can be blocked, by role. Each has an address; one address counts once."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return {}
        license_ = card.evaluation.license
        found: dict[str, Contact] = {}
        for role in ContactRole:
            contact = license_.contact(role)
            added = any(p.contact == contact and p.dnc_entry is not None for p in card.people)
            known = {canonical(c.email) for c in found.values() if c.email is not None}
            is_free = contact is not None and contact.email is not None and not added
            if is_free and contact is not None and canonical(contact.email or "") not in known:
                found[role] = contact
        return found

    async def add_for_contact(
        self, evaluation_id: int, *, role: ContactRole, reason: DncReason, note: str, by: str
    ) -> DncAddResult | Refused:
        """Block a contact's address, for every evaluation there is and will be."""
        card = await self._store.evaluations.card(evaluation_id)
        contact = None if card is None else card.evaluation.license.contact(role)
        if contact is None or contact.email is None:
            return Refused(RefusalReason.NO_CONTACT)
        target = DncTarget.of_address(contact.email)
        return await self.add(target, reason=reason, note=note, by=by, evaluation_id=evaluation_id)

    async def add(
        self, target: DncTarget, *, reason: DncReason, note: str, by: str | None, evaluation_id: int | None = None
    ) -> DncAddResult:
        """Block an address, a domain or a site."""
        entry = DncEntry(reason=reason, by=by, at=self._clock(), note=note, target=target)
        return await self._store.dnc.add(target, entry, evaluation_id=evaluation_id)

    async def unsubscribe(self, link: Link) -> None:
        """Block the address that a link was made for. Doing it twice changes nothing."""
        entry = DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=self._clock())
        evaluation_id = await self._store.bounces.evaluation(link.mail_id)
        await self._store.dnc.add(DncTarget.of_address(link.address), entry, evaluation_id=evaluation_id)

    async def resubscribe(self, link: Link) -> None:
        """Lift the entry that `unsubscribe` added, and no other."""
        await self._store.dnc.lift(
            DncTarget.of_address(link.address),
            DncLift(authority=Authority.SELF, by=None, at=self._clock()),
            evaluation_id=await self._store.bounces.evaluation(link.mail_id),
        )

    async def active_for_evaluation(self, evaluation_id: int) -> DncEntry | None:
        """Return the entry that *Unblock…* on the card lifts. Its target and time tell it from others."""
        card = await self._store.evaluations.card(evaluation_id)
        who = None if card is None else blocked_person(card)
        return None if who is None else who.dnc_entry

    async def find_active(self, target: DncTarget) -> DncEntry | None:
        """Return the active entry for an address, a domain or a site, including one for a parent domain."""
        return await self._store.dnc.find_active(covering_targets(target))

    async def lift_for_evaluation(self, evaluation_id: int, *, set_at: datetime, note: str, by: str) -> DncLiftResult:
        """Lift the entry of the blocked person on the card, if it still is the one that was added at `set_at`.

        If nobody on the card is blocked any more, the result says who lifted that entry.
        """
        card = await self._store.evaluations.card(evaluation_id)
        found = DncLiftResult(changed=False, by=None, at=None)
        if card is None:
            return found
        blocked = blocked_person(card)
        people = card.people if blocked is None else (blocked,)
        addresses = [each.contact.email for each in people if each.contact.email is not None]
        targets = [target for address in addresses for target in targets_for(card.evaluation.license, address)]
        lift = DncLift(authority=self.authority(by), by=by, at=self._clock(), note=note)
        for target in targets:
            found = await self._store.dnc.lift(target, lift, set_at=set_at, evaluation_id=evaluation_id)
            if found.changed or found.at is not None:
                break
        return replace(found, remaining=await self._store.dnc.find_active(targets))

    async def take_back(
        self, target: DncTarget, *, note: str, by: str, added_at: datetime | None = None
    ) -> DncLiftResult:
        """Lift the strongest entry for a target that this person may lift, or only the one added at `added_at`."""
        lift = DncLift(authority=self.authority(by), by=by, at=self._clock(), note=note)
        found = await self._store.dnc.lift(target, lift, set_at=added_at)
        return replace(found, remaining=await self.find_active(target))

    def authority(self, user: str) -> Authority:
        """Return what this person may lift."""
        return Authority.ADMIN if user in self._admins else Authority.MEMBER

    async def list_active(self) -> Sequence[DncEntry]:
        """Return every active entry, oldest first."""
        return await self._store.dnc.list_active()

    async def end_pauses(self) -> None:
        """Lift the pauses that are over."""
        await self._store.dnc.end_pauses(at=self._clock())
