"""Write down that somebody must not be written to, and take it back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.domain.address import canonical
from bot.domain.card import Card, person
from bot.domain.dnc import Authority, DncReason, DncEntry, DncTarget, covering_targets, targets_for
from bot.domain.evaluation import Contact
from bot.domain.mail_policy import RefusalReason, Refused
from bot.services.mail.unsubscribe_links import Link
from bot.store import Store
from bot.store.dnc.repository import DncLiftResult, DncAddResult

log = structlog.get_logger()


class DoNotContact:
    """Do-not-contact marks, set and lifted by people: from a card, by a command, by the link in a mail.

    `admins` are those who may lift what a person said themselves, for the record (Slack user ids).
    """

    def __init__(self, store: Store, *, clock: Callable[[], datetime], admins: Collection[str] = ()) -> None:
        self._store = store
        self._clock = clock
        self._admins = frozenset(admins)

    async def contacts(self, evaluation_id: int) -> Mapping[str, Contact]:
        """Who can be marked: each contact with an address, by role; one address counts once."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return {}
        license_ = card.evaluation.license
        found: dict[str, Contact] = {}
        for role, contact in (("technical", license_.technical), ("billing", license_.billing)):
            marked = any(p.contact == contact and p.opt_out is not None for p in card.people)
            known = {canonical(c.email) for c in found.values() if c.email is not None}
            is_free = contact is not None and contact.email is not None and not marked
            if is_free and contact is not None and canonical(contact.email or "") not in known:
                found[role] = contact
        return found

    async def mark(self, evaluation_id: int, *, role: str, cause: DncReason, note: str, by: str) -> DncAddResult | Refused:
        """Mark a contact's address, for every evaluation there is and will be."""
        card = await self._store.evaluations.card(evaluation_id)
        contact = None if card is None else _contact(card, role)
        if contact is None or contact.email is None:
            return Refused(RefusalReason.NO_CONTACT)
        subject = DncTarget.of_address(contact.email)
        return await self.add(subject, cause=cause, note=note, by=by, evaluation_id=evaluation_id)

    async def add(
        self, subject: DncTarget, *, cause: DncReason, note: str, by: str | None, evaluation_id: int | None = None
    ) -> DncAddResult:
        """Mark an address, a domain or a site."""
        opt_out = DncEntry(cause=cause, by=by, at=self._clock(), note=note, subject=subject)
        return await self._store.opt_outs.add(subject, opt_out, evaluation_id=evaluation_id)

    async def unsubscribe(self, link: Link) -> None:
        """Whoever has the link of a mail does not want another one. Twice is once."""
        opt_out = DncEntry(cause=DncReason.UNSUBSCRIBED, by=None, at=self._clock())
        evaluation_id = await self._store.bounces.evaluation(link.mail_id)
        await self._store.opt_outs.add(DncTarget.of_address(link.address), opt_out, evaluation_id=evaluation_id)

    async def resubscribe(self, link: Link) -> None:
        """They take back that they unsubscribed, and nothing else that stands against them."""
        await self._store.opt_outs.lift(
            DncTarget.of_address(link.address),
            Authority.SELF,
            note="",
            by=None,
            at=self._clock(),
            evaluation_id=await self._store.bounces.evaluation(link.mail_id),
        )

    async def standing(self, evaluation_id: int) -> DncEntry | None:
        """The mark that speaks against the person on the card; its subject and time tell it from others."""
        card = await self._store.evaluations.card(evaluation_id)
        who = None if card is None else person(card)
        return None if who is None else who.opt_out

    async def against(self, subject: DncTarget) -> DncEntry | None:
        """The mark that speaks against an address, a domain or a site, also by a domain it is part of."""
        return await self._store.opt_outs.against(covering_targets(subject))

    async def lift(self, evaluation_id: int, *, set_at: datetime, note: str, by: str) -> DncLiftResult:
        """Lift the mark that speaks against the person on the card, if it is still the one that was set then."""
        card = await self._store.evaluations.card(evaluation_id)
        who = None if card is None else person(card)
        found = DncLiftResult(won=False, by=None, at=None)
        if card is None or who is None or who.contact.email is None:
            return found
        subjects = targets_for(card.evaluation.license, who.contact.email)
        for subject in subjects:
            found = await self._store.opt_outs.lift(
                subject,
                self.authority(by),
                note=note,
                by=by,
                at=self._clock(),
                set_at=set_at,
                evaluation_id=evaluation_id,
            )
            if found.won or found.at is not None:
                break
        return replace(found, stands=await self._store.opt_outs.against(subjects))

    async def take_back(self, subject: DncTarget, *, note: str, by: str) -> DncLiftResult:
        """Lift the strongest mark against an address, a domain or a site that this person may lift."""
        found = await self._store.opt_outs.lift(subject, self.authority(by), note=note, by=by, at=self._clock())
        return replace(found, stands=await self.against(subject))

    def authority(self, user: str) -> Authority:
        """What somebody may lift."""
        return Authority.ADMIN if user in self._admins else Authority.MEMBER

    async def all_standing(self) -> Sequence[DncEntry]:
        """Every mark that stands, oldest first."""
        return await self._store.opt_outs.all_standing()

    async def end_pauses(self) -> None:
        """Lift the pauses whose time is over."""
        await self._store.opt_outs.end_pauses(at=self._clock())

    async def forget_older(self, than: timedelta) -> None:
        """Forget the contacts to whom nothing has happened for so long."""
        now = self._clock()
        if forgotten := await self._store.people.forget_older(now - than, at=now):
            log.info("contacts_forgotten", licenses=forgotten)


def _contact(card: Card, role: str) -> Contact | None:
    license_ = card.evaluation.license
    return license_.billing if role == "billing" else license_.technical
