"""The same truths against a mail server as it runs in the world: Exim, from Debian's packages."""

import os
import ssl

import pytest

from bot.errors import AddressRefused, MailDeferred, MailError, MailRefused, MailSetupWrong
from bot.mail.inbound.verp import envelope_sender
from bot.mail.inbound.verp import read_return_address as read_verp
from bot.mail.outbound.dkim import Signer
from bot.mail.outbound.smtp import Smtp, SmtpServer
from tests.machine import limit
from tests.mail.conftest import Judge, Tls
from tests.mail.exim import AVAILABLE, Exim, running_exim
from tests.mail.letters import ANA, BOUNCES, letter, read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not AVAILABLE and not os.environ.get("CI"), reason="needs Exim (exim4-daemon-light) and root; CI has both"
    ),
]
URL = "https://bot.vendor.example/u/token"


def client(exim: Exim) -> Smtp:
    return Smtp(SmtpServer(host="127.0.0.1", port=exim.port, tls="none", timeout=limit(10)), idle=60)


async def send(smtp: Smtp, to_address: str = ANA, *, body: str = "Hello", envelope_from: str = BOUNCES) -> None:
    wire = letter(to_address=to_address, body=body, unsubscribe_url=URL).as_bytes()
    await smtp.send(wire, envelope_from=envelope_from, recipient=to_address)


async def test_a_mail_arrives_whole_and_bounces_would_come_back_to_it(exim: Exim) -> None:
    sender = envelope_sender(BOUNCES, 7, b"key")
    smtp = client(exim)
    await send(smtp, "ana@bücher.example", body="Grüße\n.\n..\nFrom here", envelope_from=sender)
    await smtp.aclose()

    [wire] = await exim.delivered()
    mail = read(wire)
    assert mail["Envelope-to"] == "ana@xn--bcher-kva.example"
    assert read_verp(mail["Return-path"], [b"key"]) == 7
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_content().replace("\r\n", "\n").startswith("Grüße\n.\n..\nFrom here\n\n--\n")


async def test_a_signature_survives_the_journey_and_no_tampering(exim: Exim, signer: Signer, genuine: Judge) -> None:
    smtp = client(exim)
    wire = signer.sign(letter(unsubscribe_url=URL, body="Grüße \n.\nFrom here\n\n\n").as_bytes())
    await smtp.send(wire, envelope_from=BOUNCES, recipient=ANA)
    await smtp.aclose()

    [arrived] = await exim.delivered()
    assert genuine(arrived)
    button = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    assert button in arrived
    assert not genuine(arrived.replace(button, b""))
    assert not genuine(arrived.replace(b"/u/token", b"/u/other", 1))


@pytest.mark.parametrize(
    ("to_address", "body", "error", "sentence"),
    [
        ("grey@acme.example", "Hello", MailDeferred, "postponed the recipient (code 451)"),
        ("nobody@acme.example", "Hello", AddressRefused, "refused the address (code 550)"),
        ("ana@elsewhere.example", "Hello", MailSetupWrong, "does not send for our address (code 550)"),
        (ANA, "Come to our casino", MailRefused, "refused the content (code 550)"),
        (ANA, "too long. " * 15_000, MailRefused, "refused the content (code 552)"),
    ],
)
async def test_a_refusal_is_understood_and_the_next_mail_goes(
    exim: Exim, to_address: str, body: str, error: type[MailError], sentence: str
) -> None:
    smtp = client(exim)
    with pytest.raises(MailError) as caught:
        await send(smtp, to_address, body=body)
    await send(smtp)
    await smtp.aclose()

    assert type(caught.value) is error
    assert sentence in str(caught.value)
    assert len(await exim.delivered()) == 1
    assert exim.connections() == 1


async def test_a_sender_that_may_not_send_is_a_matter_of_settings(exim: Exim) -> None:
    smtp = client(exim)
    with pytest.raises(MailSetupWrong, match="MAIL_FROM"):
        await send(smtp, envelope_from="stranger@vendor.example")
    await smtp.aclose()


async def test_a_local_part_outside_ascii_goes_where_it_can(exim: Exim) -> None:
    smtp = client(exim)
    await send(smtp, "zoë@acme.example")
    await smtp.aclose()
    [wire] = await exim.delivered()
    assert read(wire)["To"].addresses[0].username == "zoë"

    async with running_exim(utf8=False) as older:
        smtp = client(older)
        with pytest.raises(MailRefused, match="SMTPUTF8"):
            await send(smtp, "zoë@acme.example")
        await send(smtp)
        await smtp.aclose()
        assert len(await older.delivered()) == 1


async def test_fifty_mails_share_a_connection(exim: Exim) -> None:
    smtp = client(exim)
    for _ in range(50):
        await send(smtp)
    await smtp.aclose()

    assert len(await exim.delivered()) == 50
    assert exim.connections() == 1


async def test_a_server_that_counts_the_mails_of_a_connection_gets_another_one() -> None:
    async with running_exim(most_mails=2) as exim:
        smtp = client(exim)
        for _ in range(5):
            await send(smtp)
        await smtp.aclose()

        assert len(await exim.delivered()) == 5


async def test_mail_travels_encrypted_to_a_certificate_we_trust_alone(tls: Tls) -> None:
    async with running_exim(certificate=tls.pem) as exim:
        server = SmtpServer(host="127.0.0.1", port=exim.port, tls="starttls", timeout=limit(10))
        smtp = Smtp(server, trust=tls.trust)
        await send(smtp)
        with pytest.raises(MailSetupWrong, match="The certificate of the mail server"):
            await send(Smtp(server, trust=ssl.create_default_context()))

        [wire] = await exim.delivered()
        assert b" with esmtps " in wire


async def test_encryption_that_is_not_offered_is_not_done_without(exim: Exim) -> None:
    server = SmtpServer(host="127.0.0.1", port=exim.port, tls="starttls", timeout=limit(10))
    with pytest.raises(MailSetupWrong, match="check SMTP_TLS"):
        await send(Smtp(server))
