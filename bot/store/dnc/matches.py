"""Find the evaluations and the queued emails that a do-not-contact target covers."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.address import unicode_domain
from bot.domain.dnc import DncScope, DncTarget, targets_for
from bot.domain.mail import MailState
from bot.security.keyring import Keyring
from bot.store.mapping import contacts_from
from bot.store.schema import evaluation, license_, mail


async def evaluations_matching(connection: AsyncConnection, keyring: Keyring, target: DncTarget) -> Sequence[int]:
    """Return the ids of all evaluations with a contact that the target covers.

    For a domain, those with a card, and those where it is the domain of the company.
    """
    query = select(evaluation.c.id).join(license_, license_.c.id == evaluation.c.license_id)
    match target.scope:
        case DncScope.ADDRESS:
            return await evaluations_with_address(connection, keyring.target_hashes(target))
        case DncScope.SITE:
            spelt = {target.value, unicode_domain(target.value)}
            return (await connection.scalars(query.where(func.lower(license_.c.site).in_(spelt)))).all()
        case DncScope.DOMAIN:
            # Rare enough to decrypt every contact with a card: the table holds a company's domain only.
            shown = query.add_columns(license_.c.contacts).where(evaluation.c.channel.is_not(None))
            of_company = await connection.scalars(query.where(license_.c.domain == target.value))
            with_card = [
                row.id
                for row in await connection.execute(shown)
                if any(
                    contact.email is not None and target in targets_for(None, contact.email)
                    for contact in contacts_from(row.contacts, keyring)
                    if contact is not None
                )
            ]
            return sorted({*of_company, *with_card})


async def evaluations_with_address(connection: AsyncConnection, hashes: Collection[str]) -> Sequence[int]:
    """Return the ids of all evaluations with a contact whose address has one of these hashes."""
    named = or_(license_.c.technical_key.in_(hashes), license_.c.billing_key.in_(hashes))
    query = select(evaluation.c.id).join(license_, license_.c.id == evaluation.c.license_id)
    return (await connection.scalars(query.where(named))).all()


async def expedite_queued_mail(
    connection: AsyncConnection, keyring: Keyring, target: DncTarget, evaluation_ids: Collection[int], *, at: datetime
) -> None:
    """Make queued mail to this target due now, so that the worker re-checks the policy and cancels it.

    For a domain or a site, only deferred mail: queued mail is due within seconds anyway, and may go to others.
    """
    if target.scope is DncScope.ADDRESS:
        await expedite_mail_to(connection, keyring.target_hashes(target), at=at)
        return
    theirs = mail.c.evaluation_id.in_(list(evaluation_ids)) & (mail.c.state == MailState.DEFERRED)
    await connection.execute(update(mail).where(theirs).values(due_at=at))


async def expedite_mail_to(connection: AsyncConnection, hashes: Collection[str], *, at: datetime) -> None:
    """Make queued mail to addresses with these hashes due now."""
    waits = mail.c.state.in_([state for state in MailState if state.is_pending])
    await connection.execute(update(mail).where(mail.c.address_key.in_(hashes), waits).values(due_at=at))
