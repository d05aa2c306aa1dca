"""Write down that somebody must not be written to, and take it back."""

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.domain.card import Card, OptOut, Reply, person
from bot.domain.evaluation import Contact
from bot.domain.policy import Reason, Refused
from bot.store import Store
from bot.store.opt_outs import Lifted, Marked


class Consent:
    """Do-not-contact marks, as set and lifted from a card."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def contacts(self, evaluation_id: int) -> Mapping[str, Contact]:
        """Who can be marked: each contact with an address, by role; one address counts once."""
        card = await self._store.evaluations.card(evaluation_id)
        if card is None:
            return {}
        license_ = card.evaluation.license
        found: dict[str, Contact] = {}
        for role, contact in (("technical", license_.technical), ("billing", license_.billing)):
            marked = any(p.contact == contact and p.opt_out is not None for p in card.people)
            known = {c.email for c in found.values()}
            if contact is not None and contact.email is not None and contact.email not in known and not marked:
                found[role] = contact
        return found

    async def mark(self, evaluation_id: int, *, role: str, reason: Reply, note: str, by: str) -> Marked | Refused:
        """Mark a contact's address, for every evaluation there is and will be."""
        card = await self._store.evaluations.card(evaluation_id)
        contact = None if card is None else _contact(card, role)
        if contact is None or contact.email is None:
            return Refused(Reason.NO_CONTACT)
        opt_out = OptOut(reason=reason.value, by=by, at=self._clock(), note=note)
        return await self._store.opt_outs.add(contact.email, opt_out, evaluation_id=evaluation_id)

    async def standing(self, evaluation_id: int) -> OptOut | None:
        """The mark that stands against the person on the card; the time it was set tells it from others."""
        card = await self._store.evaluations.card(evaluation_id)
        who = None if card is None else person(card)
        return None if who is None else who.opt_out

    async def lift(self, evaluation_id: int, *, set_at: datetime, note: str, by: str) -> Lifted:
        """Lift the mark of the person on the card, if it is still the one that was set then."""
        card = await self._store.evaluations.card(evaluation_id)
        who = None if card is None else person(card)
        if who is None or who.contact.email is None:
            return Lifted(won=False, by=None, at=None)
        return await self._store.opt_outs.lift(
            who.contact.email, set_at=set_at, note=note, by=by, at=self._clock(), evaluation_id=evaluation_id
        )


def _contact(card: Card, role: str) -> Contact | None:
    license_ = card.evaluation.license
    return license_.billing if role == "billing" else license_.technical
