"""What each way of failing means for the mail, against real servers on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Literal

import pytest
from aiosmtpd.smtp import SMTP

from bot.demo.fake_smtp import Fault, Mailbox, Step, answer, drop, hang
from bot.errors import AddressRefused, MailDeferred, MailError, MailOutcomeUnknown, MailRefused, MailSetupWrong
from bot.mail.outbound.smtp import Smtp, SmtpServer
from tests.machine import limit
from tests.mail.conftest import Tls
from tests.mail.letters import ANA, BOUNCES, letter

TLS_MODES: tuple[Literal["starttls", "tls"], ...] = ("starttls", "tls")


async def send(smtp: Smtp, **changes: Any) -> None:  # noqa: ANN401  # any argument of letter
    to = changes.get("to_address", ANA)
    await smtp.send(letter(**changes).as_bytes(), envelope_from=BOUNCES, recipient=to)


def at(port: int, *, timeout: float = 5.0) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, tls="none", timeout=limit(timeout))


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """A server for one connection; gives its port, and waits for the talk to end."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(over.wait(), limit(5))


async def failure(smtp: Smtp) -> MailError:
    """How sending fails; nothing of the recipient or the server's own words is told."""
    with pytest.raises(MailError) as caught:
        await send(smtp)
    sentence = str(caught.value)
    assert "acme" not in sentence
    assert "secret" not in sentence
    assert sentence.endswith(".")
    return caught.value


async def test_an_accepted_mail_arrives_as_it_was_composed() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        await send(Smtp(at(port)), subject="Grüße", body="Hello\n.\nAna")

    [mail] = mailbox.mails
    assert mail["to"] == [ANA]
    assert mail["headers"]["To"] == f"Ana Lima <{ANA}>"
    assert mail["subject"] == "Grüße"
    assert mail["text"].startswith("Hello\n.\nAna\n\n--\n")


async def test_an_international_domain_travels_in_ascii() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        await send(Smtp(at(port)), to_address="ana@bücher.example")

    assert mailbox.mails[0]["to"] == ["ana@xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("step", "reply", "error", "sentence"),
    [
        ("MAIL", "450 4.7.1 secret", MailDeferred, "postponed the sender (code 450)"),
        ("MAIL", "530 5.7.0 secret", MailSetupWrong, "refused the login (code 530): check SMTP_USERNAME"),
        ("MAIL", "550 5.7.1 secret", MailSetupWrong, "does not send for our address (code 550): check MAIL_FROM"),
        ("MAIL", "552 5.3.4 secret", MailRefused, "refused the sender (code 552)"),
        ("RCPT", f"451 4.7.1 Greylisted {ANA}", MailDeferred, "postponed the recipient (code 451)"),
        ("RCPT", f"550 5.1.1 <{ANA}> unknown", AddressRefused, "refused the address (code 550)"),
        ("RCPT", f"550 5.7.1 <{ANA}> relaying denied", MailSetupWrong, "check MAIL_FROM, MAIL_BOUNCES and SMTP_USER"),
        ("RCPT", "550 5.4.5 Daily user sending limit exceeded", MailDeferred, "postponed the recipient (code 550)"),
        ("RCPT", "550 5.7.1 secret", MailRefused, "refused the recipient (code 550)"),
        ("DATA", "421 4.3.2 secret", MailDeferred, "postponed the content (code 421)"),
        ("DATA", f"550 5.1.1 <{ANA}> unknown", AddressRefused, "refused the address (code 550)"),
        ("DATA", "550 5.4.5 Daily user sending limit exceeded", MailDeferred, "postponed the content (code 550)"),
        ("DATA", "554 5.2.252 SendAsDenied; secret", MailSetupWrong, "check MAIL_FROM"),
        ("DATA", "552 5.3.4 secret", MailRefused, "refused the content (code 552)"),
        ("DATA", "554 5.7.1 secret", MailRefused, "refused the content (code 554)"),
        ("ANSWER", "nonsense", MailOutcomeUnknown, "it may have been sent"),
    ],
)
async def test_the_servers_answer_decides(step: Step, reply: str, error: type[MailError], sentence: str) -> None:
    mailbox = Mailbox()
    mailbox.faults[step] = answer(reply)
    async with mailbox.serve() as port:
        caught = await failure(Smtp(at(port)))

    assert type(caught) is error
    assert sentence in str(caught)


@pytest.mark.parametrize(
    ("step", "error", "arrived"),
    [
        ("MAIL", MailDeferred, 0),
        ("RCPT", MailDeferred, 0),
        ("DATA", MailOutcomeUnknown, 0),
        ("ANSWER", MailOutcomeUnknown, 1),
    ],
)
@pytest.mark.parametrize("how", ["broken", "silent"])
async def test_a_lost_answer_is_harmless_only_before_the_content(
    how: str, step: Step, error: type[MailError], arrived: int
) -> None:
    mailbox = Mailbox()
    fault: Fault = drop() if how == "broken" else hang(asyncio.Event())
    mailbox.faults[step] = fault
    async with mailbox.serve() as port:
        caught = await failure(Smtp(at(port, timeout=0.4 if how == "silent" else 5.0)))

    assert type(caught) is error
    assert len(mailbox.mails) == arrived


async def test_a_failing_goodbye_does_not_undo_an_accepted_mail() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 hi", b"250 hi", b"250 sender", b"250 recipient", b"354 go on"):
            writer.write(reply + b"\r\n")
            if not reply.startswith(b"354"):
                await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        assert await reader.readline() == b"QUIT\r\n"
        writer.write(b"500 what?\r\n")

    async with listening(talk) as port:
        await send(Smtp(at(port)))


async def test_nobody_listening_is_a_matter_of_settings() -> None:
    async with Mailbox().serve() as port:
        pass

    caught = await failure(Smtp(at(port)))

    assert type(caught) is MailSetupWrong
    assert str(caught) == (
        f"Cannot reach the mail server 127.0.0.1:{port}: check SMTP_HOST, SMTP_PORT and SMTP_TLS, "
        "and that the server runs."
    )


async def test_a_host_that_cannot_exist_is_a_matter_of_settings() -> None:
    caught = await failure(Smtp(replace(at(25), host="smtp..test")))

    assert str(caught).startswith("Cannot find the mail server smtp..test (DNS): check SMTP_HOST")


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (None, MailDeferred),
        (b"421 4.3.2 Too busy\r\n", MailDeferred),
        (b"554 5.7.1 Not from here\r\n", MailSetupWrong),
        (b"HTTP/1.1 400 Bad Request\r\n", MailSetupWrong),
        (b"", MailSetupWrong),
    ],
)
async def test_a_poor_greeting_is_told_apart(greeting: bytes | None, error: type[MailError]) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeting is None:
            await reader.read()
        else:
            writer.write(greeting)

    async with listening(talk) as port:
        assert type(await failure(Smtp(at(port, timeout=0.2)))) is error


@pytest.mark.parametrize("mode", TLS_MODES)
async def test_mail_travels_encrypted_to_a_server_we_trust(tls: Tls, mode: Literal["starttls", "tls"]) -> None:
    mailbox = Mailbox(certificate=tls.server, tls=mode)
    async with mailbox.serve() as port:
        await send(Smtp(replace(at(port), tls=mode), trust=tls.trust))

    assert len(mailbox.mails) == 1


@pytest.mark.parametrize("mode", TLS_MODES)
async def test_a_certificate_of_nobody_we_trust_stops_the_mail(tls: Tls, mode: Literal["starttls", "tls"]) -> None:
    mailbox = Mailbox(certificate=tls.server, tls=mode)
    async with mailbox.serve() as port:
        caught = await failure(Smtp(replace(at(port), tls=mode), trust=ssl.create_default_context()))

    assert type(caught) is MailSetupWrong
    assert "The certificate of the mail server" in str(caught)
    assert mailbox.mails == []


async def test_encryption_that_the_server_lacks_is_not_done_without() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        caught = await failure(Smtp(replace(at(port), tls="starttls")))

    assert type(caught) is MailSetupWrong
    assert "check SMTP_TLS" in str(caught)
    assert mailbox.mails == []


async def test_encryption_that_the_server_wants_is_asked_for(tls: Tls) -> None:
    async with Mailbox(certificate=tls.server).serve() as port:
        caught = await failure(Smtp(at(port)))

    assert type(caught) is MailSetupWrong
    assert "check SMTP_USERNAME, SMTP_PASSWORD and SMTP_TLS" in str(caught)


@pytest.mark.parametrize("password", ["wrong-secret", None])
async def test_a_wrong_password_is_a_matter_of_settings(tls: Tls, password: str | None) -> None:
    mailbox = Mailbox(certificate=tls.server, login=("bot", "right"))
    async with mailbox.serve() as port:
        server = replace(at(port), tls="starttls", username="bot" if password else None, password=password)
        caught = await failure(Smtp(server, trust=tls.trust))

    assert type(caught) is MailSetupWrong
    assert "SMTP_PASSWORD" in str(caught)


async def test_check_logs_in_and_sends_nothing(tls: Tls) -> None:
    mailbox = Mailbox(certificate=tls.server, login=("bot", "secret"))
    async with mailbox.serve() as port:
        server = replace(at(port), tls="starttls", username="bot", password="secret")
        await Smtp(server, trust=tls.trust).check(envelope_from=BOUNCES)
        with pytest.raises(MailSetupWrong):
            await Smtp(replace(server, password="wrong"), trust=tls.trust).check(envelope_from=BOUNCES)

    assert mailbox.mails == []


async def test_a_login_that_the_server_does_not_know_is_named() -> None:
    async with Mailbox().serve() as port:
        with pytest.raises(MailSetupWrong, match="check SMTP_TLS and SMTP_USERNAME"):
            await Smtp(replace(at(port), username="bot", password="secret")).check(envelope_from=BOUNCES)


async def test_cancelling_passes_through_and_leaves_nothing_open() -> None:
    reached = asyncio.Event()

    async def fault(smtp: SMTP) -> str:
        reached.set()
        return await hang(asyncio.Event())(smtp)

    mailbox = Mailbox()
    mailbox.faults["RCPT"] = fault
    async with mailbox.serve() as port:
        sending = asyncio.create_task(send(Smtp(at(port))))
        await reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    assert mailbox.mails == []


def test_the_password_is_not_part_of_what_a_server_prints() -> None:
    assert "secret" not in repr(SmtpServer(host="smtp.example", password="secret"))


async def test_the_bytes_that_were_given_are_the_bytes_that_arrive() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        await Smtp(at(port)).send(b"Subject: x\r\n\r\n.a \r\n..\r\n", envelope_from=BOUNCES, recipient=ANA)

    assert mailbox.mails[0]["text"] == ".a \n..\n"


class Counted(Mailbox):
    """A mailbox that counts the connections."""

    def __init__(self, *, utf8: bool = False, **options: Any) -> None:  # noqa: ANN401  # any option of a mailbox
        super().__init__(**options)
        self.talks: list[SMTP] = []
        self._utf8 = utf8

    def _talk(self) -> SMTP:
        talk = super()._talk()
        talk.enable_SMTPUTF8 = self._utf8
        self.talks.append(talk)
        return talk

    async def hangs_up(self) -> None:
        """Close the connection as servers do with those who wait."""
        transport = self.talks[-1].transport
        assert isinstance(transport, asyncio.WriteTransport)
        transport.close()
        await asyncio.sleep(0)


@asynccontextmanager
async def lasting(mailbox: Mailbox, **changes: Any) -> AsyncIterator[Smtp]:  # noqa: ANN401  # any part of a server
    """A client that keeps its connection, and a mailbox for it."""
    async with mailbox.serve() as port:
        smtp = Smtp(replace(at(port), **changes), idle=60)
        try:
            yield smtp
        finally:
            await smtp.aclose()


async def test_mails_follow_each_other_on_one_connection() -> None:
    mailbox = Counted()
    async with lasting(mailbox) as smtp:
        await asyncio.gather(*(send(smtp, subject=str(number)) for number in range(50)))

    assert sorted(int(mail["subject"]) for mail in mailbox.mails) == list(range(50))
    assert len(mailbox.talks) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["451 4.7.1 later", "550 5.1.1 nobody", "554 5.7.1 spam"])
async def test_a_refusal_costs_the_next_mail_nothing(step: Step, reply: str) -> None:
    mailbox = Counted()
    async with lasting(mailbox) as smtp:
        mailbox.faults[step] = answer(reply)
        with pytest.raises((MailRefused, MailDeferred)):
            await send(smtp, subject="first")
        await send(smtp, subject="second")

    assert [mail["subject"] for mail in mailbox.mails] == ["second"]
    assert [mail["to"] for mail in mailbox.mails] == [[ANA]]
    assert len(mailbox.talks) == 1


@pytest.mark.parametrize("step", ["RCPT", "DATA", "ANSWER"])
async def test_after_silence_the_connection_is_not_used_again(step: Step) -> None:
    mailbox = Counted()
    async with lasting(mailbox, timeout=limit(0.4)) as smtp:
        mailbox.faults[step] = hang(asyncio.Event())
        with pytest.raises((MailDeferred, MailOutcomeUnknown)):
            await send(smtp, subject="first")
        await send(smtp, subject="second")

    assert mailbox.mails[-1]["subject"] == "second"
    assert len(mailbox.talks) == 2


async def test_a_server_that_hung_up_meanwhile_is_called_again_and_gets_the_mail_once() -> None:
    mailbox = Counted()
    async with lasting(mailbox) as smtp:
        await send(smtp, subject="first")
        await mailbox.hangs_up()
        await send(smtp, subject="second")

    assert [mail["subject"] for mail in mailbox.mails] == ["first", "second"]
    assert len(mailbox.talks) == 2


@pytest.mark.parametrize("fault", [drop(), answer("421 4.7.0 Too many mails on this connection")])
async def test_a_connection_that_will_take_no_more_is_replaced_before_anything_is_sent(fault: Fault) -> None:
    mailbox = Counted()
    async with lasting(mailbox) as smtp:
        await send(smtp, subject="first")
        mailbox.faults["MAIL"] = fault
        await send(smtp, subject="second")

    assert [mail["subject"] for mail in mailbox.mails] == ["first", "second"]
    assert len(mailbox.talks) == 2


async def test_a_sender_that_a_new_connection_refuses_too_is_refused() -> None:
    mailbox = Counted()

    async def twice(_: SMTP) -> str:
        mailbox.faults["MAIL"] = answer("550 5.7.1 no")
        return "550 5.7.1 no"

    async with lasting(mailbox) as smtp:
        await send(smtp)
        mailbox.faults["MAIL"] = twice
        with pytest.raises(MailSetupWrong):
            await send(smtp)

    assert len(mailbox.mails) == 1


async def test_a_connection_that_waits_too_long_says_goodbye_by_itself() -> None:
    heard = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 hi", b"250 hi", b"250 sender", b"250 recipient", b"354 go on"):
            writer.write(reply + b"\r\n")
            if not reply.startswith(b"354"):
                await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        assert await reader.readline() == b"QUIT\r\n"
        writer.write(b"221 bye\r\n")
        heard.set()

    async with listening(talk) as port:
        smtp = Smtp(at(port), idle=0.01)
        await send(smtp)
        await heard.wait()
        await smtp.aclose()


async def test_cancelling_in_the_middle_leaves_the_next_mail_a_clean_connection() -> None:
    reached = asyncio.Event()

    async def fault(smtp: SMTP) -> str:
        reached.set()
        return await hang(asyncio.Event())(smtp)

    mailbox = Counted()
    async with lasting(mailbox) as smtp:
        await send(smtp, subject="first")
        mailbox.faults["RCPT"] = fault
        sending = asyncio.create_task(send(smtp, subject="second"))
        await reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await send(smtp, subject="third")

    assert [mail["subject"] for mail in mailbox.mails] == ["first", "third"]


async def test_a_login_happens_once_a_connection(tls: Tls) -> None:
    mailbox = Counted(certificate=tls.server, login=("bot", "secret"))
    async with mailbox.serve() as port:
        server = replace(at(port), tls="starttls", username="bot", password="secret")
        smtp = Smtp(server, trust=tls.trust, idle=60)
        await send(smtp)
        await send(smtp)
        await smtp.aclose()

    assert len(mailbox.mails) == 2
    assert len(mailbox.talks) == 1


async def test_a_local_part_outside_ascii_needs_a_server_that_takes_it() -> None:
    mailbox = Mailbox()
    async with mailbox.serve() as port:
        with pytest.raises(MailRefused, match="can't send there") as caught:
            await send(Smtp(at(port)), to_address="zoë@acme.example")

    assert type(caught.value) is MailRefused
    assert mailbox.mails == []


async def test_a_local_part_outside_ascii_goes_to_a_server_that_takes_it() -> None:
    mailbox = Counted(utf8=True)
    async with mailbox.serve() as port:
        await send(Smtp(at(port)), to_address="zoë@bücher.example", to_name="Zoë")

    assert mailbox.mails[0]["to"] == ["zoë@xn--bcher-kva.example"]
