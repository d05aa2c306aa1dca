"""Sign the requests that other systems send us, and check their signatures."""

import hmac


def signature(secret: str, at: int, body: bytes) -> str:
    """The `v1` of the header `X-Signature: t=…,v1=…`: HMAC-SHA256 over the time, a full stop and the body, in hex."""
    return hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
