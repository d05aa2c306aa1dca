"""Encrypt contacts at rest, and find them by keyed hashes.

The first secret writes, every secret reads: a secret is replaced by putting the new one in front.
"""

import binascii
import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.domain.address import canonical, keys
from bot.domain.dnc import DncScope, DncTarget
from bot.errors import SecretKeyWrong

_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_LONGEST_TOKEN: Final = 2000


class Keyring:
    """Encrypts texts and hashes addresses with keys derived from the secrets."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        self._ciphers = [AESGCM(_derived(secret, b"contacts")) for secret in secret_keys]
        self._digest_key = _derived(secret_keys[0], b"rows/" + version("evaluator-bot").encode())
        self._link_ciphers = [AESGCM(_derived(secret, b"links")) for secret in secret_keys]
        self.return_keys = tuple(_derived(secret, b"returns") for secret in secret_keys)
        """Keys for the return addresses of emails, the newest secret's first."""
        self._hashes = [hmac.new(_derived(secret, b"addresses"), digestmod="sha256") for secret in secret_keys]

    def encrypt(self, text: str) -> bytes:
        """Encrypt and authenticate a text. The same text never gives the same bytes twice."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, text.encode(), None)

    def seal_nothing(self) -> bytes:
        """Return an empty text encrypted with the oldest secret, to store beside a hash that any of the secrets may
        have made.

        If that secret is removed, the bot then reports that it is still needed.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[-1].encrypt(nonce, b"", None)

    def decrypt(self, sealed: bytes) -> str:
        """Return the decrypted text. Raises SecretKeyWrong if none of the secrets encrypted it."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
            except InvalidTag:
                continue
        raise SecretKeyWrong(
            "The database was written with another SECRET_KEY. Put the old key behind the new one, after a comma."
        )

    def is_newest(self, sealed: bytes) -> bool:
        """Return whether the first secret, which encrypts everything new, encrypted this."""
        try:
            self._ciphers[0].decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
        except InvalidTag:
            return False
        return True

    def token(self, text: str) -> str:
        """Return the text as a token for a link: nobody else can read or write one."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _unpadded(nonce + self._link_ciphers[0].encrypt(nonce, text.encode(), None))

    def read_token(self, token: str) -> str | None:
        """Return the text of a token that any of our secrets wrote, or None. Each takes the same work."""
        sealed = _sealed(token)
        for cipher in self._link_ciphers:
            try:
                return cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
            except InvalidTag:
                continue
        return None

    def address_hash(self, address: str) -> str:
        """Return the hash stored for an address; only holders of the secret can compute it."""
        return _address_hash(self._hashes[0], canonical(address))

    def address_hashes(self, address: str) -> tuple[str, ...]:
        """Return every hash under which an address may be stored, the newest secret's first.

        Of an erased person only the hash is left: it may be of the form that earlier versions compared by, and can
        never be updated.
        """
        return tuple(_address_hash(keyed, key) for keyed in self._hashes for key in keys(address))

    def target_hash(self, subject: DncTarget) -> str:
        """Return the hash stored for the target of a do-not-contact entry."""
        return _address_hash(self._hashes[0], subject.key)

    def target_hashes(self, subject: DncTarget) -> tuple[str, ...]:
        """Return every hash under which a target may be stored, the newest secret's first."""
        forms = (*keys(subject.value), *subject.former) if subject.scope is DncScope.ADDRESS else (subject.key,)
        return tuple(_address_hash(keyed, form) for keyed in self._hashes for form in dict.fromkeys(forms))

    def row_digest(self, text: str) -> bytes:
        """Return a keyed digest that identifies a row of the report.

        It differs for each version of the bot: what a new version reads in a row, it should read in all of them.
        """
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16, key=self._digest_key).digest()


def _address_hash(keyed: hmac.HMAC, key: str) -> str:
    hashed = keyed.copy()  # the key need not be worked in again
    hashed.update(key.encode(errors="surrogatepass"))
    return hashed.hexdigest()[:40]


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"evaluator-bot/" + purpose).derive(secret.encode())


def _unpadded(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _sealed(token: str) -> bytes:
    """Return the bytes in a token; for anything else, bytes that no key decrypts, so that both take the same work."""
    try:
        sealed = urlsafe_b64decode(f"{token[:_LONGEST_TOKEN]}==")
    except (binascii.Error, ValueError):
        sealed = b""
    # Base64 has several spellings of the same bytes; only the canonical one is a token of ours.
    is_spelled_well = len(sealed) >= _NONCE_BYTES + _TAG_BYTES and _unpadded(sealed) == token
    return sealed if is_spelled_well else bytes(_NONCE_BYTES + _TAG_BYTES)
