"""Addresses as they travel: the domain in ASCII, the local part as its owner writes it."""

from bot.domain.address import LONGEST_LOCAL, sendable
from bot.errors import MailRefused

__all__ = ["LONGEST_LOCAL", "ascii_address", "wire_address"]


def wire_address(address: str) -> str:
    """The address with its domain in ASCII (IDNA); MailRefused if it is malformed.

    A local part outside ASCII stays as it is: a server that offers SMTPUTF8 takes it.
    """
    written = sendable(address)
    if written is None:
        raise MailRefused("The address is malformed: ask for another one.")
    return written


def ascii_address(address: str) -> str:
    """The address in ASCII throughout; MailRefused if it is malformed or its local part is not ASCII."""
    written = wire_address(address)
    if not written.isascii():
        raise MailRefused("The part of the address before the @ has letters outside ASCII.")
    return written
