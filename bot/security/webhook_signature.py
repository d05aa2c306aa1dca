"""Verify requests that other systems sign, by the scheme of Standard Webhooks (https://www.standardwebhooks.com)."""

import binascii
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "whsec_"
"""Before a key in Base64. Any other secret is the key itself."""
_TOLERANCE_S: Final = 300.0
"""How far the sender's clock may be off, including transit."""
_ID: Final = re.compile(r"[!-~]{1,256}", re.ASCII)
_TIME: Final = re.compile(r"[1-9]\d{0,11}", re.ASCII)


def signing_key(secret: str) -> bytes:
    """Return the key of a secret. ValueError if what follows `whsec_` is not Base64."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("This is not Base64.") from exc


def sign(key: bytes, message_id: str, at: int, body: bytes) -> str:
    """Return one signature of the header `webhook-signature`; `at` is in seconds since 1970."""
    return "v1," + b64encode(hmac.digest(key, f"{message_id}.{at}.".encode() + body, "sha256")).decode()


def is_signed(key: bytes, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Return whether the three headers of a request sign this body, not longer than five minutes ago or ahead.

    `webhook-signature` may have several signatures, with a space between them.
    """
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(message_id) or not _TIME.fullmatch(at) or abs(now - int(at)) > _TOLERANCE_S:
        return False
    expected = sign(key, message_id, int(at), body).encode()
    given = headers.get("webhook-signature", "").encode(errors="replace").split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)
