"""Encrypt the content of an email for the database, and decrypt it."""

import json
from dataclasses import asdict, fields
from typing import Final

from bot.domain.evaluation import ContactRole
from bot.domain.mail import MailContent
from bot.security.keyring import Keyring

_FIELDS: Final = {field.name for field in fields(MailContent)}


def encrypt_content(content: MailContent, keyring: Keyring) -> bytes:
    """Return the content as it is stored."""
    return keyring.encrypt(json.dumps(asdict(content)))


def decrypt_content(stored: bytes, keyring: Keyring) -> MailContent | None:
    """Return the stored content, or None if it was emptied, for example because its recipient was erased.

    Unknown fields are ignored: a newer version may have written more of them. Raises StoreError if no key decrypts it.
    """
    text = keyring.decrypt(stored)
    if not text:
        return None
    known = {name: value for name, value in json.loads(text).items() if name in _FIELDS}
    return MailContent(**{**known, "recipient": ContactRole(known["recipient"])})
