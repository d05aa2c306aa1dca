"""Sign an email for our domain (DKIM), including its unsubscribe headers."""

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bot.errors import MailSetupWrong

_LEAST_BITS = 1024  # RFC 8301, 3.2: verifiers take nothing shorter
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
# RFC 8058 requires the last two to be signed. Each header is listed once more than it occurs, so that nobody can add
# another one on the way, even where the email has none.
_SIGNED = (
    b"from to reply-to subject date message-id mime-version content-type list-unsubscribe list-unsubscribe-post"
).split()


class Signer:
    """Signs for a domain with the key whose public half is published under the selector."""

    def __init__(self, domain: str, selector: str, key: bytes) -> None:
        """`key` is a private RSA key in PEM. MailSetupWrong if it is not, or if a name cannot be in DNS."""
        for setting, name in (("DKIM_DOMAIN", domain), ("DKIM_SELECTOR", selector)):
            if not _NAME.fullmatch(name):
                raise MailSetupWrong(f"{setting} is not a name that can stand in DNS: write it in ASCII.")
        private = _rsa_key(key)
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._key = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        self._domain = domain.encode("ascii")
        self._selector = selector.encode("ascii")
        self.record_name = f"{selector}._domainkey.{domain}"
        """The DNS name of the record with the public key."""
        self.record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode('ascii')}"
        """The text of the DNS record (TXT) with the public key."""

    def vouches_for(self, domain: str) -> bool:
        """Return whether receivers count the signature for an address here: the domains are aligned (RFC 7489, 3.1.1).

        Their last two labels decide. Under suffixes like co.uk that says nothing, and the signature passes.
        """
        return self._domain.decode().lower().split(".")[-2:] == domain.lower().split(".")[-2:]

    def sign(self, content: bytes) -> bytes:
        """Return the email with its signature on top, stamped with the current time. Send exactly these bytes."""
        import dkim  # noqa: PLC0415  four megabytes that a bot which does not sign need not hold

        mail = dkim.DKIM(content)
        present = [name.lower() for name, _ in mail.headers]
        signed = [name for name in _SIGNED for _ in range(present.count(name) + 1)]
        signature: bytes = mail.sign(
            self._selector,
            self._domain,
            self._key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=signed,
        )
        return signature + content


def _rsa_key(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as exc:
        # A TypeError means that the key needs a password.
        raise MailSetupWrong("DKIM_KEY cannot be read: it must hold a private key in PEM without a password.") from exc
    if not isinstance(key, rsa.RSAPrivateKey):
        raise MailSetupWrong("DKIM_KEY holds a key of another kind: make an RSA key, which every receiver can check.")
    if key.key_size < _LEAST_BITS:
        raise MailSetupWrong(f"DKIM_KEY is too short: receivers take {_LEAST_BITS} bits or more, and 2048 is usual.")
    return key
