"""What comes back from a mail, in the words of many servers, and in no words at all."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.mail.bounces import Finding, Kind, Report, kind_of, read_report

FOLDER = Path(__file__).parent.parent / "fixtures" / "bounces"
MAILS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
OURS = "<0c4d2a5b8e7f46b1a3f09d1e2c3b4a59@vendor.example>"
VERP = "bounces+mqqv6x@vendor.example"
ANA = "ana@acme.example"


def report(name: str) -> Report:
    found = read_report(MAILS[name])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("exim-no-such-user", Kind.HARD, "5.1.1"),
        ("exim-says-nothing", Kind.SOFT, "5.0.0"),
        ("truncated", Kind.HARD, "5.1.1"),
        ("postfix-mailbox-full", Kind.SOFT, "5.2.2"),
        ("postfix-no-such-domain", Kind.HARD, "5.4.4"),
        ("exchange-not-found", Kind.HARD, "5.1.10"),
        ("microsoft-edge-refused", Kind.HARD, "5.4.1"),
        ("gmail-policy", Kind.POLICY, "5.7.26"),
        ("ses-bounce", Kind.HARD, "5.1.1"),
        ("arf-abuse", Kind.COMPLAINT, ""),
    ],
)
def test_a_report_says_what_became_of_which_address(name: str, kind: Kind, status: str) -> None:
    [finding] = report(name).findings

    assert (finding.kind, finding.status, finding.address) == (kind, status, ANA)


@pytest.mark.parametrize(
    "name", ["postfix-delayed", "arf-not-spam", "vacation", "reply", "read-receipt", "forwarded-by-a-person"]
)
def test_what_is_no_report_of_a_failure_is_none(name: str) -> None:
    assert read_report(MAILS[name]) is None


def test_every_mail_among_the_fixtures_is_looked_at() -> None:
    assert len(MAILS) == 17


@pytest.mark.parametrize("name", [name for name in MAILS if name.startswith(("gmail", "exchange", "arf-abuse"))])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_the_mail_is_known_by_its_message_id_however_the_lines_end(name: str, line_break: bytes) -> None:
    found = read_report(MAILS[name].replace(b"\n", line_break))

    assert found is not None
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
        Finding(kind=Kind.HARD, status="5.1.1", address="cy@elsewhere.example", original="trials@acme.example"),
        Finding(kind=Kind.SOFT, status="4.2.2", address="bo@acme.example", original="trials@acme.example"),
    )


def test_a_report_shows_no_address_where_it_is_printed() -> None:
    assert [name for name, mail in MAILS.items() if "@" in repr(read_report(mail))] == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", Kind.HARD),
        ("5.1.2", Kind.HARD),
        ("5.1.10", Kind.HARD),
        ("5.2.1", Kind.HARD),
        ("5.4.1", Kind.HARD),
        ("5.4.4", Kind.HARD),
        ("5.0.0", Kind.SOFT),
        ("5.2.0", Kind.SOFT),
        ("5.2.2", Kind.SOFT),
        ("5.4.7", Kind.SOFT),
        ("5.5.0", Kind.SOFT),
        ("4.1.1", Kind.SOFT),
        ("4.2.1", Kind.SOFT),
        ("4.4.7", Kind.SOFT),
        ("", Kind.SOFT),
        ("nonsense", Kind.SOFT),
        ("5.1.7", Kind.POLICY),
        ("5.1.8", Kind.POLICY),
        ("5.1.90", Kind.POLICY),
        ("5.2.3", Kind.POLICY),
        ("5.3.4", Kind.POLICY),
        ("5.6.0", Kind.POLICY),
        ("5.7.0", Kind.POLICY),
        ("5.7.26", Kind.POLICY),
        ("4.7.28", Kind.POLICY),
        ("2.1.5", None),
    ],
)
def test_only_a_lasting_failure_of_the_address_itself_is_held_against_it(status: str, kind: Kind | None) -> None:
    assert kind_of(status) is kind


def failed(status: str, diagnostic: str) -> tuple[Kind, str] | None:
    lines = f"Action: failed\nStatus: {status}\nDiagnostic-Code: {diagnostic}"
    found = read_report(reported(lines))
    return None if found is None else (found.findings[0].kind, found.findings[0].status)


def reported(lines: str, *, kind: str = "message/delivery-status") -> bytes:
    head = "Content-Type: multipart/report; boundary=b\n\n"
    return f"{head}--b\nContent-Type: {kind}\n\nReporting-MTA: dns; mx.test\n\n{lines}\n--b--\n".encode()


@pytest.mark.parametrize(
    ("status", "diagnostic", "found"),
    [
        pytest.param("5.1.1", "smtp; 550 5.7.1 no", (Kind.HARD, "5.1.1"), id="a status that says something wins"),
        pytest.param("5.0.0", "smtp; 550-5.7.1 no", (Kind.POLICY, "5.7.1"), id="the answer says more"),
        pytest.param("5.0.0", "smtp; 550 #5.1.0 no", (Kind.HARD, "5.1.0"), id="an answer with a number sign"),
        pytest.param("5.0.0", "SMTP ;550 No such user", (Kind.HARD, "5.1.0"), id="550 without more"),
        pytest.param("5.0.0", "smtp; 552 over quota", (Kind.SOFT, "5.2.2"), id="552 without more"),
        pytest.param("5.0.0", "smtp; 554 no", (Kind.SOFT, "5.0.0"), id="554 says nothing"),
        pytest.param("", "smtp; 451 later", (Kind.SOFT, "4.0.0"), id="no status"),
        pytest.param("failed", "unix; exit 75", (Kind.SOFT, ""), id="neither says anything"),
        pytest.param("5.0.0", "smtp; 550 5.1.1.7 is the host", (Kind.HARD, "5.1.0"), id="an IP address is no status"),
        pytest.param("2.0.0", "", None, id="a failure that went well"),
    ],
)
def test_where_the_status_says_nothing_the_answer_of_the_server_does(
    status: str, diagnostic: str, found: tuple[Kind, str] | None
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
def test_whoever_reports_a_mail_complains_unless_they_say_that_it_is_no_spam(type_: str, *, complains: bool) -> None:
    found = read_report(reported(f"Feedback-Type: {type_}", kind="message/feedback-report"))

    assert (found is not None) is complains


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
def test_what_breaks_off_is_none(content: bytes) -> None:
    assert read_report(content) is None


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
PIECES = [*LINES.splitlines(keepends=True), *(b"\n \r\n \n\n : ; -- = @ < > ( \0 \xff".split(b" ")), b" "]


@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
@example(b"Content-Type: multipart/report; boundary=\xff\n\n--\xff\n")
@example("Content-Type: multipart/report; boundary=é\n\n--é\n".encode("latin-1"))
def test_no_bytes_are_too_strange_to_be_read(content: bytes) -> None:
    read_report(content)


@given(st.sampled_from(sorted(MAILS)), st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=40))
def test_a_report_may_be_damaged_anywhere(name: str, place: int, length: int, instead: bytes) -> None:
    mail = MAILS[name]

    read_report(mail[:place] + instead + mail[place + length :])


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 500_000, id="parts"),
        pytest.param(b"Content-Type: multipart/report; boundary=b\n\n--b\n" * 50_000, id="nests"),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 50_000, id="mails in mails"),
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

    assert found is None or max(map(len, (found.findings, found.message_ids, found.delivered_to))) <= 50
