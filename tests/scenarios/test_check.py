"""`evaluator-bot check` comes to its end, whatever is wrong: a line for each thing, and the sentence names it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import typer
from aiohttp import web
from dns.asyncresolver import Resolver

from bot.cli.check import check_setup
from bot.cli.main import _check
from bot.demo.fake_marketplace.server import Fault
from bot.demo.fake_slack import CHANNEL, faults
from bot.demo.fake_slack.models import BOT_USER, Channel
from bot.demo.fake_smtp import answer, drop
from bot.domain.team_settings import Reminders, RotationMember, RotationRule, TeamSettings
from bot.store import open_store
from tests.dns_server import Zone, serving
from tests.examples import some_quick
from tests.world import World

LINES = (
    "Settings",
    "File permissions",
    "Encryption",
    "Database",
    "Slack bot token",
    "Slack scopes",
    "Slack channel",
    "Slack admins",
    "Slack actors",
    "Slack rotation",
    "Slack app token",
    "Marketplace",
    "Mail server",
    "Mail templates",
    "Mail rules",
    "Mail signature (DKIM)",
    "Mail domain (SPF)",
    "Mail domain (DMARC)",
    "Unsubscribe links",
    "Mail replies",
    "App signals",
    "Webhooks",
)
ASKS_SLACK = ("Slack bot token", "Slack scopes", "Slack channel", "Slack admins", "Slack app token")
HTML = "<!doctype html><title>Sign in</title>" + "<p>…</p>" * 1000
WAITS = 0.3
"""Seconds that a look may take where nothing ever answers."""
NEW_TOKEN = re.compile(r"token|app again", re.IGNORECASE)


class Checked:
    """What was printed, by line."""

    def __init__(self, printed: str) -> None:
        self.lines = printed.splitlines()
        self.says = {line[2:].partition(":")[0]: line for line in self.lines}

    @property
    def wrong(self) -> set[str]:
        """The lines that say that something is wrong."""
        return {name for name, line in self.says.items() if line.startswith("✗")}


@pytest.fixture
def check(here: World, capsys: pytest.CaptureFixture[str]) -> Callable[..., object]:
    """Run the command in this process; each look may take so many seconds."""

    async def run(*, limit: float = 20, resolver: Resolver | None = None, **changes: object) -> Checked:
        settings = here.settings(**{"slack_admins": "U0ANA", **changes})
        is_good = await check_setup(settings, limit=limit, resolver=resolver)
        found = Checked(capsys.readouterr().out)
        assert tuple(found.says)[: len(LINES)] == LINES, "a line for each thing, and each in one line"
        assert ("Database" in found.wrong) is (len(found.says) == len(LINES)), "then the state of the report"
        assert (is_good, "Traceback" in "".join(found.lines)) == (not found.wrong, False)
        return found

    return run


Check = Callable[..., "asyncio.Future[Checked]"]


async def test_all_is_well(check: Check) -> None:
    assert (await check()).wrong == set()


async def test_email_that_is_half_set_up_is_said_with_what_is_missing(check: Check) -> None:
    found = await check(mail_postal_address=None)
    assert found.wrong == {"Mail server"}
    assert "Nothing is sent without MAIL_POSTAL_ADDRESS." in found.says["Mail server"]
    assert (await check(smtp_host=None, mail_from=None, mail_postal_address=None)).wrong == set()


# ------------------------------------------------------------------------------------------------------------- Slack


def _answers(content: bytes | str, **how: object) -> faults.Fault:
    return faults.body(content if isinstance(content, bytes) else content.encode(), **how)  # type: ignore[arg-type]


SLACK_FAULTS = {
    "cut before the answer": (faults.cut_before(), "Slack did not answer: the connection broke off. Try again"),
    "cut in the middle": (faults.cut_in_the_middle(), "Slack did not answer: the connection broke off. Try again"),
    "429": (faults.rate_limited(7), "Slack asks to slow down. Try again in 7 s."),
    "429 that is HTML": (_answers(HTML, kind="text/html", status=429), "Slack asks to slow down. Try again in 5 s."),
    "500": (faults.server_error(), "cannot answer now (500). Try again later"),
    "503 that is HTML": (faults.html(), "cannot answer now (503). Try again later"),
    "internal_error": (faults.refuse("internal_error"), "Slack had trouble of its own. Try again later"),
    "service_unavailable": (faults.refuse("service_unavailable"), "Slack cannot answer now. Try again later."),
    "a sign-in page": (_answers(HTML, kind="text/html"), "A proxy or a sign-in page may stand in between"),
    "a page that is called JSON": (_answers(HTML), "A proxy or a sign-in page may stand in between"),
    "plain text": (_answers("Sign in", kind="text/plain"), "A proxy or a sign-in page may stand in between"),
    "a proxy that wants a login": (
        _answers(HTML, kind="text/html", status=407),
        "The proxy refuses the connection to Slack",
    ),
    "nothing": (_answers(b""), "A proxy or a sign-in page may stand in between"),
    "an array": (_answers("[1]"), "A proxy or a sign-in page may stand in between"),
    "a number": (_answers("7"), "A proxy or a sign-in page may stand in between"),
    "null": (_answers("null"), "A proxy or a sign-in page may stand in between"),
    "ok and no more": (_answers('{"ok": true}'), "A proxy or a sign-in page may stand in between"),
    "ok with nulls": (
        _answers('{"ok": true, "user_id": null, "team_id": null, "url": null, "channel": null, "user": null}'),
        "A proxy or a sign-in page may stand in between",
    ),
    "ok of other kinds": (
        _answers('{"ok": true, "user_id": 1, "team_id": {}, "url": [], "channel": [1], "user": "x"}'),
        "A proxy or a sign-in page may stand in between",
    ),
    "no word for why": (_answers('{"ok": false}'), "A proxy or a sign-in page may stand in between"),
    "half of it": (faults.garbled(), "A proxy or a sign-in page may stand in between"),
    "no UTF-8": (_answers(b'{"ok": true, "url": "\xff\xfe"}'), "A proxy or a sign-in page may stand in between"),
    "too deep": (_answers("[" * 100_000), "A proxy or a sign-in page may stand in between"),
    "gzip that is none": (_answers(b"\x1f\x8b", kind="application/gzip"), "A proxy or a sign-in page may stand in"),
    "a redirect in a circle": (faults.redirect("auth.test"), "A proxy or a sign-in page may stand in between"),
    "a redirect to nothing": (faults.redirect("nowhere:///"), "Check SLACK_API_URL"),
    "without an end": (faults.endless(b" " * 2**20), "A proxy or a sign-in page may stand in between"),
    "a word with a line break": (_answers('{"ok": false, "error": "a\\n\\u001b[31mb"}'), "a word that is unknown"),
}


@pytest.mark.parametrize(
    "fault", some_quick(SLACK_FAULTS, quick={"cut before the answer", "429", "503 that is HTML", "a sign-in page"})
)
async def test_of_a_broken_slack_every_line_says_what_it_is(here: World, check: Check, fault: str) -> None:
    breaks, sentence = SLACK_FAULTS[fault]
    here.workspace.faults.always(breaks)
    found = await check()
    assert found.wrong == set(ASKS_SLACK)
    for name in ASKS_SLACK:
        assert sentence in found.says[name]
        assert not NEW_TOKEN.search(found.says[name].partition(":")[2]), "nobody has to make a new token"


async def test_a_slack_that_never_answers_costs_every_line_no_more_than_its_time(here: World, check: Check) -> None:
    here.workspace.faults.always(faults.hang())
    found = await check(limit=WAITS)
    assert found.wrong >= set(ASKS_SLACK)
    for name in ASKS_SLACK:
        assert f"No answer within {WAITS:g} s. Try again later; if it lasts, check the network" in found.says[name]


@asynccontextmanager
async def _speaking(first_words: bytes) -> AsyncIterator[int]:
    """A server that says something to everybody, and hangs up; gives its port."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first_words)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return int(bound.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:{closed}/api/", "Cannot connect to 127.0.0.1:{closed}. Check the network of this machine"),
        ("https://127.0.0.1:{open}/api/", "127.0.0.1:{open} does not speak TLS. Check SLACK_API_URL"),
        ("https://no-such-host.invalid/api/", "Cannot find no-such-host.invalid (DNS)."),
        ("http://127.0.0.1:{smtp}/api/", "A proxy or a sign-in page may stand in between"),
    ],
    ids=["nobody listens", "no TLS", "no such host", "no web server"],
)
async def test_a_slack_that_cannot_be_reached_is_named(here: World, check: Check, url: str, sentence: str) -> None:
    async with _speaking(b"220 mail.vendor.example ESMTP\r\n") as smtp:
        ports = {"closed": _closed_port(), "open": here.workspace.url.rpartition(":")[2], "smtp": smtp}
        found = await check(slack_api_url=url.format(**ports))
    assert found.wrong == set(ASKS_SLACK)
    for name in ASKS_SLACK:
        assert sentence.format(**ports) in found.says[name]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("invalid_auth", "Slack refused the bot token: copy SLACK_BOT_TOKEN"),
        ("token_revoked", "The bot token was revoked."),
        ("account_inactive", "The app was removed from the workspace."),
    ],
)
async def test_a_bot_token_that_is_refused_is_called_one(here: World, check: Check, code: str, sentence: str) -> None:
    here.workspace.faults.add("auth.test", faults.refuse(code), times=9)
    found = await check()
    assert found.wrong == {"Slack bot token", "Slack scopes"}
    assert sentence in found.says["Slack bot token"]
    assert found.says["Slack app token"].startswith("✓ Slack app token: works; Slack does not say whether")


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (faults.refuse("invalid_auth"), "Slack refused the app-level token. Create an app-level token with the scope"),
        (faults.refuse("token_revoked"), "The app-level token was revoked."),
        (faults.refuse("not_allowed_token_type"), "SLACK_APP_TOKEN is not an app-level token (xapp-…)."),
        (faults.refuse("missing_scope", needed="connections:write"), "lacks the scope connections:write"),
        (faults.rate_limited(30), "Slack asks to slow down. Try again in 30 s."),
        (faults.server_error(502), "cannot answer now (502). Try again later"),
        (faults.html(), "cannot answer now (503). Try again later"),
        (faults.refuse("no_such_word"), "Slack refused: no_such_word."),
        (_answers('{"ok": true, "url": "nonsense"}'), "isn't a URL"),
        (_answers('{"ok": true, "url": "ws://127.0.0.1:1/"}'), "Cannot connect to 127.0.0.1:1."),
    ],
)
async def test_an_app_token_that_is_refused_is_called_one_and_what_passes_asks_for_no_new_one(
    here: World, check: Check, fault: faults.Fault, sentence: str
) -> None:
    here.workspace.faults.add("apps.connections.open", fault)
    found = await check()
    assert found.wrong == {"Slack app token"}
    assert sentence in found.says["Slack app token"]
    assert "bot token" not in found.says["Slack app token"]
    is_refused = "app-level" in sentence or "connections:write" in sentence
    assert ("Create an app-level token" in found.says["Slack app token"]) is is_refused


async def test_an_app_token_of_another_app_is_named_with_both_apps(here: World, check: Check) -> None:
    here.workspace.delivery.app_id = "A0OTHER"
    found = await check()
    assert found.wrong == {"Slack app token"}
    assert (
        "SLACK_APP_TOKEN belongs to another Slack app (A0OTHER) than SLACK_BOT_TOKEN (A0DEMO)"
        in found.says["Slack app token"]
    )
    assert here.workspace.sockets == 0


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("link_disabled", "Socket Mode is switched off for this Slack app."),
        ("too_many_websockets", "Too many connections are open for this Slack app."),
        ("refresh_requested", "no hello there. Try again later."),
    ],
)
async def test_where_slack_turns_the_socket_away_it_says_why(
    here: World, check: Check, reason: str, sentence: str
) -> None:
    here.workspace.delivery.turns_away = reason
    found = await check()
    assert found.wrong == {"Slack app token"}
    assert sentence in found.says["Slack app token"]


async def test_the_socket_is_left_at_once_after_hello(here: World, check: Check) -> None:
    assert (await check()).wrong == set()
    await here.until(lambda: here.workspace.sockets == 0)


async def test_where_no_hello_comes_it_is_said(here: World, check: Check) -> None:
    here.workspace.delivery.greets = False
    found = await check(limit=WAITS)
    assert "Slack app token" in found.wrong


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"bot_is_member": False}, "Type `/invite @Evaluator Bot` there"),
        ({"is_archived": True}, "The channel is archived."),
        ({"scopes": "groups", "bot_is_member": False}, "The bot cannot see the channel."),
    ],
    ids=["not a member", "archived", "not found"],
)
async def test_what_is_wrong_with_the_channel_is_named(
    here: World, check: Check, change: dict[str, object], sentence: str
) -> None:
    for name, value in change.items():
        setattr(here.workspace.channels[CHANNEL], name, value)
    found = await check()
    assert found.wrong == {"Slack channel"}
    assert sentence in found.says["Slack channel"]


async def test_who_of_a_rotation_can_take_no_evaluation_is_named(here: World, check: Check) -> None:
    settings = here.settings()
    rule = RotationRule(members=tuple(map(RotationMember, ("U0ANA", "U0BEN", "U0NOBODY", BOT_USER))))
    async with open_store(settings.database_url, secret_keys=settings.secret_key) as store:
        await store.team.change_settings(TeamSettings(rotation=(rule,)), by="U0ANA", at=here.clock())
    here.workspace.channels[CHANNEL].strangers.add("U0BEN")
    found = await check()
    assert found.wrong == {"Slack rotation"}
    assert found.says["Slack rotation"] == (
        "✗ Slack rotation: U0BEN is not in C0EVALS. U0BOT is a bot. U0NOBODY is unknown to Slack. "
        "Correct the team file, or invite them."
    )


async def test_the_channels_of_the_team_file_are_looked_at_too(here: World, check: Check) -> None:
    settings = here.settings()
    own = TeamSettings(
        channels=(("com.example.gantt", "C0GANTT"), ("com.example.chart", "C0CHART")),
        reminders=Reminders(escalate_to="C0SALES"),
    )
    async with open_store(settings.database_url, secret_keys=settings.secret_key) as store:
        await store.team.change_settings(own, by="U0ANA", at=here.clock())
    here.workspace.channels["C0CHART"] = Channel(id="C0CHART", name="chart")
    found = await check()
    assert found.wrong == {"Slack channel"}
    for channel in ("C0GANTT", "C0SALES"):
        assert f"{channel} of the team file: The bot cannot see the channel." in found.says["Slack channel"]
    here.workspace.channels["C0SALES"] = Channel(id="C0SALES", name="sales")
    here.workspace.channels["C0GANTT"] = Channel(id="C0GANTT", name="gantt")
    assert "Slack channel: #evaluators, #chart, #gantt, #sales" in (await check()).says["Slack channel"]


async def test_a_scope_that_is_missing_is_named_where_it_is_needed(here: World, check: Check) -> None:
    here.workspace.keys.scopes -= {"channels:read", "users:read"}
    found = await check()
    assert found.wrong == {"Slack scopes", "Slack channel", "Slack admins"}
    assert "lacks the scopes channels:read, users:read." in found.says["Slack scopes"]
    assert "lacks the scope channels:read." in found.says["Slack channel"]
    assert "lacks the scope users:read." in found.says["Slack admins"]
    assert found.says["Slack app token"].startswith("✓")


# ------------------------------------------------------------------------------------------------------- Marketplace

LATER = r"next poll|Try again later"
MARKETPLACE_FAULTS = {
    "401": (Fault(status=401), r"put it in MARKETPLACE_TOKEN"),
    "403": (Fault(status=403), r"permissions"),
    "404": (Fault(status=404), r"MARKETPLACE_VENDOR_ID"),
    "410": (Fault(status=410), r"Update the bot"),
    "407": (Fault(status=407), r"The proxy asks for a login \(407\)"),
    "429": (Fault(status=429, headers={"Retry-After": "3600"}), LATER),
    "500": (Fault(status=500), LATER),
    "503 that is HTML": (Fault(status=503, body=HTML), LATER),
    "a sign-in page": (Fault(status=200, body=HTML), r"no proxy or sign-in page stands in between"),
    "a redirect": (Fault(status=302, headers={"Location": "https://login.example/"}), r"does not follow"),
    "nothing": (Fault(status=200, body=""), r"not JSON"),
    "an array": (Fault(status=200, body="[]"), r"JSON that is not an object"),
    "null": (Fault(status=200, body="null"), r"JSON that is not an object"),
    "another object": (Fault(status=200, body='{"message": "hello"}'), r"named no developer id|no list of licenses"),
    "cut in the middle": (Fault(cut=True), r"127\.0\.0\.1 broke off.* Try again later"),
    "compressed badly": (
        Fault(status=200, body="no gzip", headers={"Content-Encoding": "gzip"}),
        r"cannot be decompressed. Try again later",
    ),
    "too long": (Fault(status=200, body=" " * 33 * 2**20), r"far longer than a page of the report"),
}


@pytest.mark.parametrize(
    "fault", some_quick(MARKETPLACE_FAULTS, quick={"401", "503 that is HTML", "a sign-in page", "cut in the middle"})
)
async def test_of_a_broken_marketplace_the_line_says_what_it_is(here: World, check: Check, fault: str) -> None:
    breaks, sentence = MARKETPLACE_FAULTS[fault]
    here.marketplace.faults.extend([breaks] * 9)
    found = await check()
    assert found.wrong == {"Marketplace"}
    assert re.search(sentence, found.says["Marketplace"])
    assert len(here.marketplace.requests) == 1, "the first failure is the answer"
    if sentence in {LATER, r"not JSON"}:
        assert "MARKETPLACE_TOKEN" not in found.says["Marketplace"]


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:{closed}", "Cannot connect to 127.0.0.1:{closed}."),
        ("https://127.0.0.1:{open}", "127.0.0.1:{open} does not speak TLS."),
        ("https://no-such-host.invalid", "Cannot find no-such-host.invalid (DNS)."),
        ("http://127.0.0.1:{smtp}", "The answer of 127.0.0.1 broke off, or didn't come from a web server."),
    ],
    ids=["nobody listens", "no TLS", "no such host", "no web server"],
)
async def test_a_marketplace_that_cannot_be_reached_is_named(
    here: World, check: Check, url: str, sentence: str
) -> None:
    async with _speaking(b"220 mail.vendor.example ESMTP\r\n") as smtp:
        ports = {"closed": _closed_port(), "open": here.workspace.url.rpartition(":")[2], "smtp": smtp}
        found = await check(marketplace_api_url=url.format(**ports))
    assert found.wrong == {"Marketplace"}
    assert sentence.format(**ports) in found.says["Marketplace"]


async def test_a_marketplace_that_never_answers_costs_no_more_than_its_time(here: World, check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel takes the connection, and nobody reads
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = await check(marketplace_api_url=url, limit=5)
    assert found.wrong == {"Marketplace"}
    assert "No answer within 5 s. Try again later" in found.says["Marketplace"]


async def test_bytes_that_are_no_text_are_named(check: Check) -> None:
    async with _serving(
        lambda: web.Response(body=b'{"developerId": "\xff\xfe"}', content_type="application/json")
    ) as url:
        found = await check(marketplace_api_url=url)
    assert "not JSON" in found.says["Marketplace"]


@asynccontextmanager
async def _serving(response: Callable[[], web.Response]) -> AsyncIterator[str]:
    """A web server with one answer to everything; gives its address."""

    async def serve(_request: web.Request) -> web.Response:
        return response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


# ------------------------------------------------------------------------------------------------------- mail server

UNSPOKEN = "doesn't accept the bot"
MAIL_TALKS = {
    "a busy server": ([b"421 4.3.2 busy"], "postponed the connection (code 421)"),
    "one that takes nothing": ([b"554 5.7.1 no"], UNSPOKEN),
    "a web server": ([b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"], UNSPOKEN),
    "bytes that are no text": ([b"\xff\xfe\x00\xff"], UNSPOKEN),
    "a line without an end": ([b"220 " + b"x" * 100_000], UNSPOKEN),
    "silence of one who hangs up": ([b""], "hangs up at once: check SMTP_PORT"),
    "one that hangs up after hello": ([b"220 hi", b""], "No answer from the mail server 127.0.0.1:"),
    "one that knows no hello": ([b"220 hi", b"502 what", b"502 what"], UNSPOKEN),
    "one that later knows hello": ([b"220 hi", b"421 later"], "postponed the connection (code 421)"),
    "one that lets nobody send": ([b"220 hi", b"250 hi", b"550 5.7.60 not you"], "does not send for our address"),
    "one that wants a login": ([b"220 hi", b"250 hi", b"530 5.7.0 login"], "refused the login (code 530)"),
    "one that is busy at the sender": ([b"220 hi", b"250 hi", b"451 4.7.1 later"], "postponed the sender (code 451)"),
    "one that hangs up at the sender": ([b"220 hi", b"250 hi", b""], "went silent at the sender"),
    "nonsense at the sender": ([b"220 hi", b"250 hi", b"nonsense"], "postponed the sender|went silent at the sender"),
}


@asynccontextmanager
async def _mail_server(replies: list[bytes]) -> AsyncIterator[int]:
    """A server that says one line after the other, each after one of the client's; empty for hanging up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if number and not await reader.readline():
                break
            if reply:
                writer.write(reply + b"\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "kind", some_quick(MAIL_TALKS, quick={"a web server", "one that wants a login", "one that hangs up at the sender"})
)
async def test_of_a_broken_mail_server_the_line_says_what_it_is(check: Check, kind: str) -> None:
    replies, sentence = MAIL_TALKS[kind]
    async with _mail_server(replies) as port:
        found = await check(smtp_port=port)
    assert found.wrong == {"Mail server"}
    assert any(words in found.says["Mail server"] for words in sentence.split("|")), found.says["Mail server"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"smtp_port": 1}, "Cannot reach the mail server 127.0.0.1:1"),
        ({"smtp_host": "no-such-host.invalid"}, "Cannot find the mail server no-such-host.invalid (DNS)"),
        ({"smtp_tls": "tls"}, "does not encrypt as we ask it to: check SMTP_PORT and SMTP_TLS"),
        ({"smtp_tls": "starttls"}, "lacks the encryption or the login we need: check SMTP_TLS"),
        ({"smtp_username": "bot", "smtp_password": "secret"}, "lacks the encryption or the login we need"),
    ],
)
async def test_a_mail_server_that_does_not_fit_the_settings_is_named(
    check: Check, changes: dict[str, object], sentence: str
) -> None:
    found = await check(**changes)
    assert "Mail server" in found.wrong
    assert sentence in found.says["Mail server"]


async def test_a_mail_server_that_never_answers_costs_no_more_than_its_time(check: Check) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = await check(smtp_port=silent.getsockname()[1], limit=5)
    assert found.wrong == {"Mail server"}
    assert "No answer within 5 s. Try again later; if it lasts, check SMTP_HOST" in found.says["Mail server"]


async def test_the_check_leaves_no_mail_behind_and_the_sender_is_the_one_of_mails(here: World, check: Check) -> None:
    asked: list[str] = []

    async def note(smtp: object) -> str:
        asked.append(str(smtp))
        return "250 OK"

    here.mailbox.faults["MAIL"] = note
    here.mailbox.faults["RCPT"] = drop()
    assert (await check()).wrong == set()
    assert (len(asked), "RCPT" in here.mailbox.faults, here.mailbox.mails) == (1, True, [])


# ------------------------------------------------------------------------------------------------------ all together


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"database_url": "sqlite+aiosqlite:////nowhere/evaluators.db"}, "Database"),
        ({"database_url": "postgresql+asyncpg://bot@127.0.0.1:1/bot"}, "Database"),
        ({"dkim_domain": "vendor.example", "dkim_selector": "bot", "dkim_key": "nowhere.pem"}, "Mail signature (DKIM)"),
        ({"mail_countries": "nowhere.toml"}, "Mail rules"),
        ({"mail_templates": "nowhere"}, "Mail templates"),
    ],
    ids=["no folder", "no database server", "no key", "no rules", "no templates"],
)
async def test_what_cannot_be_opened_has_a_line_and_the_others_have_theirs(
    check: Check, changes: dict[str, object], wrong: str
) -> None:
    assert (await check(**changes)).wrong == {wrong}


async def test_a_file_that_is_no_database_has_a_line(here: World, check: Check) -> None:
    file = here.folder / "evaluators.db"
    file.write_bytes(b"not a database" * 1000)
    file.chmod(0o600)
    found = await check()
    assert found.wrong == {"Database"}
    assert "The database cannot be used: the file is not a database." in found.says["Database"]


async def test_everything_wrong_at_once_is_still_a_line_each_and_exit_code_1(
    here: World, capsys: pytest.CaptureFixture[str]
) -> None:
    here.workspace.faults.always(faults.html())
    here.marketplace.faults.extend([Fault(status=503)] * 9)
    here.mailbox.faults["MAIL"] = answer("550 5.7.1 not you")
    with pytest.raises(typer.Exit) as ended:
        await _check(here.settings(database_url="sqlite+aiosqlite:////nowhere/evaluators.db", slack_actors="U0ANA"))
    assert ended.value.exit_code == 1
    found = Checked(capsys.readouterr().out)
    assert found.wrong == {*ASKS_SLACK, "Slack actors", "Database", "Marketplace", "Mail server"} - {"Slack admins"}
    assert tuple(found.says) == LINES


# --------------------------------------------------------------------------------------------------------------- DNS

DNS_LINES = {"Mail domain (SPF)", "Mail domain (DMARC)"}


async def test_the_dns_of_the_domain_that_sends_is_looked_up(check: Check) -> None:
    sender = "Ana <ana@mail.vendor.example>"
    zone = Zone({"mail.vendor.example": ["v=spf1 -all"], "_dmarc.vendor.example": ["v=DMARC1; p=none"]})
    async with serving(zone) as resolver:
        assert (await check(resolver=resolver, mail_from=sender)).wrong == set()
        zone.records = {}
        found = await check(resolver=resolver, mail_from=sender)
    assert found.wrong == DNS_LINES
    assert "mail.vendor.example has no SPF record." in found.says["Mail domain (SPF)"]
    assert "Set one TXT record _dmarc.mail.vendor.example" in found.says["Mail domain (DMARC)"]


async def test_a_dns_that_is_down_is_a_line_that_says_later(check: Check) -> None:
    async with serving(Zone(fails=True)) as resolver:
        found = await check(resolver=resolver)
    assert found.wrong == DNS_LINES
    assert all(found.says[name].endswith(" now. Try again later.") for name in DNS_LINES)
