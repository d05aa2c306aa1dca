"""Sign what the demo's other systems send to the bot, by the scheme of Standard Webhooks."""

import hmac
import time
from base64 import b64encode
from uuid import uuid4


def signed_headers(secret: str, body: bytes, *, kind: str) -> dict[str, str]:
    """Return the headers that sign a request; `kind` begins its id."""
    message_id, at = f"{kind}_{uuid4().hex}", int(time.time())
    digest = hmac.digest(secret.encode(), f"{message_id}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }
