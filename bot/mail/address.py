"""Addresses on the wire: the domain in ASCII, the local part as its owner writes it."""

from bot.domain.address import LONGEST_LOCAL, sendable
from bot.errors import MailRefused

__all__ = ["LONGEST_LOCAL", "ascii_address", "wire_address"]


def wire_address(address: str) -> str:
    """Return the address with its domain in ASCII (IDNA). Raises MailRefused if it is malformed.

    A local part outside ASCII is kept: a server that offers SMTPUTF8 accepts it.
    """
    written = sendable(address)
    if written is None:
        raise MailRefused("The address is malformed: ask for another one.")
    return written


def ascii_address(address: str) -> str:
    """Return the address entirely in ASCII. Raises MailRefused if it is malformed or its local part is not ASCII."""
    written = wire_address(address)
    if not written.isascii():
        raise MailRefused("The part of the address before the @ has letters outside ASCII.")
    return written
