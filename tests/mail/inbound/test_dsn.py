"""Bounces in the words of many servers, and without any words."""

from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.mail.inbound import provider_notices
from bot.mail.inbound.dsn import BounceKind, RecipientStatus, Report, classify_status, read_report
from bot.mail.inbound.provider_notices import guess

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "bounces"
MAILS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
OURS = "<0c4d2a5b8e7f46b1a3f09d1e2c3b4a59@vendor.example>"
VERP = "bounces+mqqv6x@vendor.example"
ANA = "ana@acme.example"


def report(name: str) -> Report:
    return read_report(MAILS[name])


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("exim-no-such-user", BounceKind.HARD, "5.1.1"),
        ("exim-says-nothing", BounceKind.SOFT, "5.0.0"),
        ("truncated", BounceKind.HARD, "5.1.1"),
        ("postfix-mailbox-full", BounceKind.SOFT, "5.2.2"),
        ("postfix-no-such-domain", BounceKind.HARD, "5.4.4"),
        ("exchange-not-found", BounceKind.HARD, "5.1.10"),
        ("microsoft-edge-refused", BounceKind.HARD, "5.4.1"),
        ("gmail-policy", BounceKind.POLICY, "5.7.26"),
        ("ses-bounce", BounceKind.HARD, "5.1.1"),
        ("arf-abuse", BounceKind.COMPLAINT, ""),
        ("sender-rejected", BounceKind.POLICY, "5.1.0"),
        ("sender-rejected-in-words", BounceKind.POLICY, "5.1.0"),
        ("exim-plain", BounceKind.HARD, "5.1.1"),
        ("exim-plain-unrouteable", BounceKind.HARD, "5.1.2"),
        ("exim-plain-sender", BounceKind.POLICY, "5.1.0"),
        ("qmail", BounceKind.HARD, "5.1.1"),
        ("qmail-sender", BounceKind.POLICY, "5.1.0"),
        ("mixed", BounceKind.HARD, "5.1.1"),
    ],
)
def test_a_report_says_what_became_of_which_address(name: str, kind: BounceKind, status: str) -> None:
    [finding] = report(name).findings

    assert (finding.kind, finding.status, finding.address) == (kind, status, ANA)


@pytest.mark.parametrize("name", ["postfix-delayed", "arf-not-spam", "vacation", "read-receipt"])
def test_what_says_plainly_that_nothing_failed_is_harmless(name: str) -> None:
    assert (report(name).findings, report(name).is_harmless) == ((), True)


@pytest.mark.parametrize("name", ["reply", "prose", "old-gateway", "old-gateway-delay"])
def test_what_we_do_not_understand_is_neither_a_failure_nor_harmless(name: str) -> None:
    assert (report(name).findings, report(name).is_harmless) == ((), False)


@pytest.mark.parametrize("name", ["forwarded-by-a-person", "mixed", "exim-plain", "qmail"])
def test_what_has_not_the_form_of_a_report_is_told_apart(name: str) -> None:
    assert report(name).findings
    assert not report(name).is_standard
    assert report("truncated").is_standard


def test_every_mail_among_the_fixtures_is_looked_at() -> None:
    assert len(MAILS) == 28


@pytest.mark.parametrize("name", [name for name in MAILS if name.startswith(("gmail", "exchange", "arf-abuse"))])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_the_mail_is_known_by_its_message_id_however_the_lines_end(name: str, line_break: bytes) -> None:
    found = read_report(MAILS[name].replace(b"\n", line_break))

    assert found.message_ids == (OURS,)


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        pytest.param("postfix-mailbox-full", (OURS,), id="folded"),
        pytest.param("several-recipients", (OURS,), id="in base64"),
        pytest.param("truncated", (OURS,), id="from the References of the report"),
        pytest.param(
            "ses-bounce",
            ("<0100018e2f5d6c00-12345678-1234-1234-1234-123456789abc-000000@email.ses.example>",),
            id="given by another server, the report's own aside",
        ),
    ],
)
def test_the_message_id_is_that_of_the_mail_that_came_back(name: str, ids: tuple[str, ...]) -> None:
    assert report(name).message_ids == ids


@pytest.mark.parametrize(
    "name", ["exim-no-such-user", "postfix-mailbox-full", "exchange-not-found", "gmail-policy", "ses-bounce"]
)
def test_the_address_that_stands_for_one_mail_is_among_those_it_came_to(name: str) -> None:
    assert VERP in report(name).delivered_to


def test_of_several_recipients_each_that_was_given_up_counts_by_itself() -> None:
    assert report("several-recipients").findings == (
        RecipientStatus(
            kind=BounceKind.HARD, status="5.1.1", address="cy@elsewhere.example", original="trials@acme.example"
        ),
        RecipientStatus(
            kind=BounceKind.SOFT, status="4.2.2", address="bo@acme.example", original="trials@acme.example"
        ),
    )


def test_a_report_shows_no_address_where_it_is_printed() -> None:
    assert [name for name, mail in MAILS.items() if "@" in repr(read_report(mail))] == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", BounceKind.HARD),
        ("5.1.2", BounceKind.HARD),
        ("5.1.10", BounceKind.HARD),
        ("5.2.1", BounceKind.HARD),
        ("5.4.1", BounceKind.HARD),
        ("5.4.4", BounceKind.HARD),
        ("5.0.0", BounceKind.SOFT),
        ("5.2.0", BounceKind.SOFT),
        ("5.2.2", BounceKind.SOFT),
        ("5.4.7", BounceKind.SOFT),
        ("5.5.0", BounceKind.SOFT),
        ("4.1.1", BounceKind.SOFT),
        ("4.2.1", BounceKind.SOFT),
        ("4.4.7", BounceKind.SOFT),
        ("", BounceKind.SOFT),
        ("nonsense", BounceKind.SOFT),
        ("5.1.7", BounceKind.POLICY),
        ("5.1.8", BounceKind.POLICY),
        ("5.1.90", BounceKind.POLICY),
        ("5.2.3", BounceKind.POLICY),
        ("5.3.4", BounceKind.POLICY),
        ("5.6.0", BounceKind.POLICY),
        ("5.7.0", BounceKind.POLICY),
        ("5.7.26", BounceKind.POLICY),
        ("4.7.28", BounceKind.POLICY),
        ("2.1.5", None),
    ],
)
def test_only_a_lasting_failure_of_the_address_itself_is_held_against_it(status: str, kind: BounceKind | None) -> None:
    assert classify_status(status) is kind


def failed(status: str, diagnostic: str) -> tuple[BounceKind, str] | None:
    lines = f"Action: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"
    found = read_report(reported(lines)).findings
    return (found[0].kind, found[0].status) if found else None


def reported(lines: str, *, kind: str = "message/delivery-status") -> bytes:
    head = "Content-Type: multipart/report; boundary=b\n\n"
    return f"{head}--b\nContent-Type: {kind}\n\nReporting-MTA: dns; mx.test\n\n{lines}\n--b--\n".encode()


@pytest.mark.parametrize(
    ("status", "diagnostic", "found"),
    [
        pytest.param("5.1.1", "smtp; 550 5.7.1 no", (BounceKind.HARD, "5.1.1"), id="a status that says something wins"),
        pytest.param("5.0.0", "smtp; 550-5.7.1 no", (BounceKind.POLICY, "5.7.1"), id="the answer says more"),
        pytest.param("5.0.0", "smtp; 550 #5.1.0 no", (BounceKind.HARD, "5.1.0"), id="an answer with a number sign"),
        pytest.param("5.0.0", "SMTP ;550 No such user", (BounceKind.HARD, "5.1.0"), id="550 without more"),
        pytest.param("5.0.0", "smtp; 552 over quota", (BounceKind.SOFT, "5.2.2"), id="552 without more"),
        pytest.param("5.0.0", "smtp; 554 no", (BounceKind.SOFT, "5.0.0"), id="554 says nothing"),
        pytest.param("", "smtp; 451 later", (BounceKind.SOFT, "4.0.0"), id="no status"),
        pytest.param("failed", "unix; exit 75", (BounceKind.SOFT, ""), id="neither says anything"),
        pytest.param(
            "5.0.0", "smtp; 550 5.1.1.7 is the host", (BounceKind.HARD, "5.1.0"), id="an IP address is no status"
        ),
        pytest.param("2.0.0", "", None, id="a failure that went well"),
        pytest.param("5.1.0", "smtp; 550 sender rejected", (BounceKind.POLICY, "5.1.0"), id="the words speak of us"),
        pytest.param("5.1.0", "smtp; 550 <a@b.test>: Sender denied", (BounceKind.POLICY, "5.1.0"), id="Exchange"),
        pytest.param("5.1.1", "smtp; 550 5.1.1 Sender verify failed", (BounceKind.POLICY, "5.1.1"), id="words win"),
        pytest.param("5.0.0", "smtp; 550 SPF check failed", (BounceKind.POLICY, "5.1.0"), id="our proof"),
        pytest.param("5.4.1", "smtp; 550 5.4.1 Relay access denied", (BounceKind.POLICY, "5.4.1"), id="relaying"),
        pytest.param(
            "5.1.0", "smtp; 550 sender-rejected@b.test unknown", (BounceKind.HARD, "5.1.0"), id="not of addresses"
        ),
        pytest.param(
            "5.0.0", "smtp; 550-5.2.1 gets mail at a rate that", (BounceKind.SOFT, "5.2.1"), id="too much mail"
        ),
        pytest.param("5.1.0", "smtp; 550 Too many messages", (BounceKind.SOFT, "5.1.0"), id="a limit"),
        pytest.param("5.4.5", "smtp; 550 5.4.5 Daily user sending limit", (BounceKind.POLICY, "5.4.5"), id="our limit"),
        pytest.param("5.2.252", "smtp; 554 5.2.252 SendAsDenied", (BounceKind.POLICY, "5.2.252"), id="SendAsDenied"),
        pytest.param("5.1.1", "smtp; 550 5.1.1 No such user", (BounceKind.HARD, "5.1.1"), id="words of the address"),
        pytest.param("5.0.0", "LMTP; 550 5.1.1 unknown", (BounceKind.HARD, "5.1.1"), id="LMTP"),
    ],
)
def test_where_the_status_says_nothing_the_answer_of_the_server_does(
    status: str, diagnostic: str, found: tuple[BounceKind, str] | None
) -> None:
    assert failed(status, diagnostic) == found


@pytest.mark.parametrize(
    ("type_", "complains"),
    [
        ("abuse", True),
        ("Fraud", True),
        ("virus", True),
        ("other", True),
        ("opt-out (a type of tomorrow)", True),
        ("not-spam", False),
        ("auth-failure", False),
        ("", False),
    ],
)
def test_a_report_about_a_mail_is_a_complaint_unless_it_says_that_it_is_no_spam(type_: str, *, complains: bool) -> None:
    found = read_report(reported(f"Feedback-Type: {type_}", kind="message/feedback-report"))

    assert bool(found.findings) is complains
    assert found.is_harmless is (type_ in {"not-spam", "auth-failure"})


@pytest.mark.parametrize(
    ("lines", "fails"),
    [
        ("Action: failed", True),
        ("Action: Failed (for good)", True),
        ("Action: error\nStatus: 5.1.1", True),
        ("Status: 5.1.1", True),
        ("Action: delayed\nStatus: 4.4.7", False),
        ("Action: relayed", False),
        ("Action: delivered\nStatus: 2.0.0", False),
        ("Action: expanded", False),
    ],
)
def test_only_what_was_given_up_failed(lines: str, *, fails: bool) -> None:
    found = read_report(reported(lines))

    assert (bool(found.findings), found.is_harmless) == (fails, not fails)


@pytest.mark.parametrize(
    ("field", "harmless"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-generated; owner-email=x", True),
        ("Auto-Submitted: no", False),
        ("Precedence: bulk", True),
        ("Precedence: normal", False),
        ("X-Autoreply: yes", True),
        ("Subject: Out of Office: Your trial", True),
        ("Subject: Automatische Antwort: Ihr Test", True),
        ("Subject: Abwesenheitsnotiz", True),
        ("Subject: =?utf-8?Q?R=C3=A9ponse_automatique_=3A_essai?=", True),
        ("Subject: =?utf-8?B?UmVzcHVlc3RhIGF1dG9tw6F0aWNh?=", True),
        ("Subject: =?nonsense?B?!!?= Away", False),
        ("Subject: Leave me alone", False),
        ("Subject: Undeliverable: Your trial", False),
    ],
)
def test_the_answer_of_somebody_who_is_away_is_harmless_and_that_of_a_person_is_not(
    field: str, *, harmless: bool
) -> None:
    mail = field if field.startswith("Subject") else f"{field}\nSubject: Re: Your trial"
    assert read_report(f"From: Ana <ana@acme.example>\n{mail}\n\nHello".encode()).is_harmless is harmless
    notice = f"From: System Administrator <admin@acme.example>\n{mail}\nSubject: Undeliverable: Your trial\n\nHello"
    assert not read_report(notice.encode()).is_harmless
    daemon = f"From: Mail Delivery System <MAILER-DAEMON@acme.example>\n{mail}\n\nHello"
    assert not read_report(daemon.encode()).is_harmless


def exim(*below: str, copy: str = "") -> str:
    """Exim's notice that Ana's address failed, with these lines below it."""
    words = "\n".join(f"    {line}" for line in below)
    head = "X-Failed-Recipients: ana@acme.example\nFrom: Mailer-Daemon@mx.test\n\nThe following address(es) failed:\n"
    return f"{head}\n  ana@acme.example\n{words}\n\n------ This is a copy of the message.\n\n{copy}"


@pytest.mark.parametrize(
    ("words", "kind", "status"),
    [
        ("Unrouteable address", BounceKind.HARD, "5.1.2"),
        ("unknown user", BounceKind.HARD, "5.1.1"),
        ("550 No such user here", BounceKind.HARD, "5.1.0"),
        ("550-5.7.1 blocked", BounceKind.POLICY, "5.7.1"),
        ("mailbox is full", BounceKind.SOFT, "5.2.2"),
        ("retry timeout exceeded", BounceKind.SOFT, "4.4.7"),
        ("host mx.acme.example [192.0.2.250]: 550 relay not permitted", BounceKind.POLICY, "5.1.0"),
        ("Sorry", BounceKind.SOFT, ""),
    ],
)
def test_a_plain_notice_says_of_an_address_what_stands_below_it(words: str, kind: BounceKind, status: str) -> None:
    for copy in ("", "Message-ID: <a@b>\n\nno such user, mailbox full, 5.1.1, sender rejected"):
        [finding] = read_report(exim(words, copy=copy).encode()).findings
        assert (finding.kind, finding.status, finding.address) == (kind, status, ANA)


def test_each_recipient_of_a_plain_notice_has_their_own_lines() -> None:
    mail = exim("550 5.1.1 unknown", "", "  bo@acme.example", "  mailbox is full")
    mail = mail.replace("ana@acme.example\nFrom", "ana@acme.example,\n bo@acme.example\nFrom")

    assert [(each.address, each.status) for each in read_report(mail.encode()).findings] == [
        (ANA, "5.1.1"),
        ("bo@acme.example", "5.2.2"),
    ]


def test_a_notice_of_qmail_begins_as_one_and_ends_before_the_copy() -> None:
    mail = MAILS["qmail"]

    assert [each.address for each in read_report(mail).findings] == [ANA]
    assert read_report(mail.replace(b"Hi. This", b"Ben writes: Hi. This")).findings == ()


@pytest.mark.parametrize(
    ("name", "failed", "delayed"),
    [
        ("old-gateway", [(BounceKind.HARD, "5.1.1", ANA)], ()),
        ("old-gateway-delay", [], (ANA,)),
        ("prose", [], ()),
        ("reply", [], ()),
    ],
)
def test_old_notices_are_read_by_the_library_and_judged_by_us(
    name: str, failed: list[tuple[BounceKind, str, str]], delayed: tuple[str, ...]
) -> None:
    found = guess(MAILS[name])

    assert [(each.kind, each.status, each.address) for each in found.failed] == failed
    assert found.delayed == delayed


def test_an_old_notice_that_gives_no_reason_counts_as_one_failure() -> None:
    [finding] = guess(MAILS["old-gateway"].replace(b"unknown user", b"alas")).failed

    assert (finding.kind, finding.status) == (BounceKind.SOFT, "")


def test_what_the_library_stumbles_over_is_not_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(_mail: object) -> NoReturn:
        raise IndexError

    monkeypatch.setattr(provider_notices, "all_failures", stumble)
    assert guess(MAILS["old-gateway"]).failed == ()


def test_an_old_notice_without_a_sender_is_read_as_well() -> None:
    assert guess(MAILS["old-gateway"].replace(b"From: postmaster@gateway.acme.example\n", b"")).failed


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Content-Type: multipart/report\n\n--b\n", id="no boundary"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\n", id="no body"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\nand no part", id="no part"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\n--b", id="an empty part"),
        pytest.param(
            reported("Action: failed").replace(b"\n\n", b"\nContent-Transfer-Encoding: base64\n\n"), id="base64"
        ),
        pytest.param(reported("Action:"), id="no action"),
    ],
)
def test_what_breaks_off_says_nothing_and_is_not_called_harmless(content: bytes) -> None:
    assert (read_report(content).findings, read_report(content).is_harmless) == ((), False)


LINES = b"""\
Content-Type: multipart/report; boundary=b
Content-Type: message/delivery-status
Content-Type: message/feedback-report
Content-Type: message/rfc822
Content-Transfer-Encoding: base64
Content-Transfer-Encoding: quoted-printable
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1
Final-Recipient: rfc822;a@b.test
Feedback-Type: x
Original-Rcpt-To:
Message-ID: <a@b>
To: c@d.test
--b
--b--
"""
NOTICES = b"""\
Hi. This is the qmail-send program
<a@b.test>:
X-Failed-Recipients: a@b.test,
Content-Type: multipart/mixed; boundary*99999999999=b
Content-Type: text/plain; charset*=x'y'%zz
Content-Type: text/plain; charset=utf-16
Content-Type: ;;;=
Content-Transfer-Encoding: x-uuencode
begin 666 x
Failed addresses follow:
Message text follows:
The following recipients did not receive this message:
From: x@aol.com
Subject: =?utf-8?q?=zz?=
550 5.1.1
"""
PIECES = [
    *NOTICES.splitlines(keepends=True),
    *LINES.splitlines(keepends=True),
    *(b"\n \r\n \n\n : ; -- = @ < > ( \0 \xff".split(b" ")),
    b" ",
]


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
@example(b"Content-Type: multipart/report; boundary=\xff\n\n--\xff\n")
@example("Content-Type: multipart/report; boundary=é\n\n--é\n".encode("latin-1"))
def test_no_bytes_are_too_strange_to_be_read(content: bytes) -> None:
    read_report(content)
    guess(content)


@given(st.sampled_from(sorted(MAILS)), st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=40))
def test_a_report_may_be_damaged_anywhere(name: str, place: int, length: int, instead: bytes) -> None:
    mail = MAILS[name]

    damaged = mail[:place] + instead + mail[place + length :]
    read_report(damaged)
    guess(damaged)


NESTS = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (each, each) for each in range(12))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 500_000, id="parts"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\n--b\n" * 50_000, id="nests"),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 50_000, id="mails in mails"),
        pytest.param(NESTS + b"\n" * 1_000_000, id="a few nests with many lines"),
        pytest.param(b"Content-Type: multipart/mixed" + b';a="b' * 200_000 + b"\n\n", id="parameters"),
        pytest.param(b"Content-Type: a/b; boundary*" + b"9" * 100_000 + b"=b\n\n", id="a number"),
        pytest.param(b"Subject: " + b"=?utf-8?q?a?= " * 70_000, id="encoded words"),
        pytest.param(b"X-Failed-Recipients: a@b.test\n" * 30_000 + b"\n" + b"a@b.test\n" * 30_000, id="failed ones"),
        pytest.param(b"X-Failed-Recipients: a@b\n\n" + b"no such user " * 70_000, id="sayings"),
        pytest.param(b"From: a\n\nHi. This is the \n\n" + b"<a@b>:\n\n" * 100_000, id="paragraphs"),
        pytest.param(b"\nFailed addresses follow:\n" + b"a@" * 400_000, id="an old notice with one line"),
        pytest.param(b"\nFailed addresses follow:\n" + b"a@b\n" * 200_000, id="an old notice with many lines"),
        pytest.param(b"\nA message that you sent could not be delivered\n" + b"<" * 900_000, id="brackets"),
        pytest.param(b"a: b\n" * 1_000_000, id="fields"),
        pytest.param(b"a:" + b"\n " * 1_000_000, id="folds"),
        pytest.param(b"\n \n" * 1_000_000, id="empty lines"),
        pytest.param(b"To: " + b"a@b.test " * 200_000, id="recipients"),
        pytest.param(reported("Action: failed\n\n" * 100_000), id="failures"),
        pytest.param(reported("Action: failed\nStatus: " + "(" * 900_000), id="comments"),
        pytest.param(reported("Final-Recipient: rfc822;" + "<" * 900_000 + "\nAction: failed"), id="an address"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\nReferences: " + b"<" * 900_000, id="references"),
    ],
)
def test_no_report_is_too_large_to_be_read_at_once(content: bytes) -> None:
    found = read_report(content)
    guess(content)

    assert max(map(len, (found.findings, found.message_ids, found.delivered_to))) <= 50


@pytest.mark.parametrize(
    "field",
    [
        "To: <{}>",
        'To: "Bounces, of Demo Vendor" <{}>',
        "Delivered-To: {}",
        "X-Original-To: {}",
        "Envelope-To: {}",
        "X-Delivered-To: {}",
        "Received: from mx.acme.example by mx.vendor.example (Postfix) with ESMTP id 4F3\n\tfor <{}>; Thu, 12 Mar",
    ],
)
def test_the_address_it_came_to_is_found_wherever_servers_write_it(field: str) -> None:
    mail = f"From: Mailer-Daemon@acme.example\n{field.format(VERP)}\nTo: bounces@vendor.example\n\nAlas"

    assert VERP in read_report(mail.encode()).delivered_to
    assert VERP not in read_report(b"From: a@b.test\n\n" + mail.encode()).delivered_to
