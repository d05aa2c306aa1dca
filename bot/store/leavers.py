"""Contacts who may have left their company: an automatic answer from their mailbox said so."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.address import canonical
from bot.domain.evaluation import Contact
from bot.domain.replies import ReplyKind, Writer
from bot.security.keyring import Keyring
from bot.store.mail.reply_content import reply_from
from bot.store.reply_tables import reply
from bot.store.schema import mail


async def addresses_of_leavers(
    connection: AsyncConnection, contacts: Iterable[Contact], keyring: Keyring
) -> frozenset[str]:
    """Return the canonical addresses whose mailbox said so, without those of people who wrote themselves since."""
    addresses = {canonical(each.email): each.email for each in contacts if each.email is not None}
    hashes = {each: key for key, address in addresses.items() for each in keyring.address_hashes(address)}
    if not hashes:
        return frozenset()
    theirs = select(reply, mail.c.address_key).join(mail, mail.c.id == reply.c.mail_id)
    wanted = mail.c.address_key.in_(list(hashes)) & (reply.c.kind != ReplyKind.REFUSAL)
    found = set[str]()
    for row in await connection.execute(theirs.where(wanted).order_by(reply.c.id)):
        came = reply_from(row, keyring)
        if came.kind is ReplyKind.REPLY and came.writer is Writer.CONTACT:
            found.discard(hashes[row.address_key])
        elif came.content is not None and came.content.has_left:
            found.add(hashes[row.address_key])
    return frozenset(found)
