"""What the tests of mail share: a certificate, a key to sign with, a real mail server."""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import dkim
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bot.mail.outbound.dkim import Signer
from tests.mail.exim import Exim, running_exim

Judge = Callable[[bytes], bool]


@dataclass(frozen=True)
class Tls:
    """Both sides of a self-signed certificate for 127.0.0.1."""

    server: ssl.SSLContext
    trust: ssl.SSLContext
    pem: bytes
    """The certificate and its key."""


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailbox.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(pem + secret)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(folder / "server.pem")
    return Tls(server, ssl.create_default_context(cadata=pem.decode()), pem + secret)


@pytest.fixture(scope="session")
def signer(rsa_pem: bytes) -> Signer:
    return Signer("vendor.example", "bot2026", rsa_pem)


@pytest.fixture(scope="session")
def genuine(signer: Signer) -> Judge:
    """Whether a receiver takes the mail for one of ours; the key comes from a name server that knows one name."""

    def look_up(name: bytes, timeout: float = 5) -> bytes:
        return signer.record.encode() if name == f"{signer.record_name}.".encode() else b""

    def judge(wire: bytes) -> bool:
        try:
            return bool(dkim.DKIM(wire).verify(dnsfunc=look_up))
        except dkim.ValidationError:
            return False

    return judge


@pytest.fixture
async def exim() -> AsyncIterator[Exim]:
    async with running_exim() as running:
        yield running
