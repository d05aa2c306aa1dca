"""Compute the signature of requests that other systems send us."""

import hmac


def signature(secret: str, at: int, body: bytes) -> str:
    """Return the `v1` of the header `X-Signature: t=…,v1=…`: HMAC-SHA256 over time, full stop and body, in hex."""
    return hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
