"""The rules of the architecture, kept by the machine."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BOT = ROOT / "bot"

LAYERS = (
    {"cli", "__main__"},
    {"app"},
    {"listeners", "web", "config", "log"},
    {"services"},
    {"marketplace", "store", "slack", "mail", "exports", "webhooks"},
    {"security", "concurrency", "metrics"},
    {"domain"},
    {"errors", "translations"},
)
"""From top to bottom. A part imports only from layers below, and `demo` is imported by `cli` alone."""

PARTS: dict[str, tuple[set[str], set[str]]] = {
    "__main__": ({"cli"}, set()),
    "app": (
        {
            "concurrency",
            "config",
            "domain",
            "errors",
            "listeners",
            "log",
            "mail",
            "mail.inbound",
            "mail.outbound",
            "mail.templating",
            "marketplace",
            "metrics",
            "security",
            "services",
            "services.inbound",
            "services.ingest",
            "services.mail",
            "services.operations",
            "services.slack_delivery",
            "services.team",
            "services.webhooks",
            "slack.client",
            "store",
            "store.engine",
            "web",
            "web.feedback",
            "web.inbound",
            "web.unsubscribe",
            "webhooks",
        },
        {"aiohttp", "apscheduler", "httpx", "pydantic", "slack_bolt", "slack_sdk", "structlog"},
    ),
    "cli": (
        {
            "app",
            "concurrency",
            "config",
            "demo",
            "domain",
            "errors",
            "exports",
            "log",
            "mail",
            "mail.inbound",
            "mail.outbound",
            "mail.templating",
            "security",
            "services.ingest",
            "services.operations",
            "services.team",
            "slack.client",
            "slack.views",
            "store",
            "store.engine",
        },
        {"dns", "pydantic", "rich", "structlog", "typer"},
    ),
    "concurrency": ({"errors"}, {"structlog"}),
    "config": ({"domain", "errors", "security"}, {"dotenv", "pydantic", "pydantic_core"}),
    "demo": (
        {"demo.customer_site", "demo.fake_marketplace", "demo.fake_slack", "demo.scenario"},
        {"aiohttp", "aiosmtpd", "proxyprotocol", "pymap"},
    ),
    "demo.customer_site": ({"demo", "demo.scenario"}, {"aiohttp"}),
    "demo.fake_marketplace": ({"demo.scenario"}, {"aiohttp", "multidict", "yarl"}),
    "demo.fake_slack": (set(), {"aiohttp", "slack_sdk"}),
    "demo.scenario": ({"demo.fake_marketplace"}, set()),
    "domain": (set(), {"email_validator", "idna", "markdown_it"}),
    "errors": (set(), set()),
    "exports": ({"domain", "errors"}, set()),
    "listeners": (
        {
            "concurrency",
            "domain",
            "errors",
            "services",
            "services.inbound",
            "services.mail",
            "services.operations",
            "services.slack_delivery",
            "services.team",
            "slack",
            "slack.client",
            "slack.views",
            "store.mail",
        },
        {"aiohttp", "slack_bolt", "structlog"},
    ),
    "log": (set(), {"structlog"}),
    "mail": ({"domain", "errors"}, {"babel"}),
    "mail.inbound": (
        {"domain", "errors", "mail"},
        {"bs4", "flufl", "httpx", "imapclient", "mailparser_reply", "markdownify"},
    ),
    "mail.outbound": (
        {"domain", "errors", "mail", "mail.templating", "translations"},
        {"aiosmtplib", "cryptography", "dkim", "dns", "markdown_it"},
    ),
    "mail.templating": ({"domain", "errors", "mail", "mail.outbound"}, {"babel", "jinja2"}),
    "marketplace": ({"domain", "errors"}, {"httpx", "orjson", "stamina", "structlog"}),
    "metrics": ({"domain"}, {"prometheus_client"}),
    "security": ({"domain", "errors"}, {"cryptography", "jwt"}),
    "services": ({"domain", "errors", "services.mail", "slack.client", "store"}, {"structlog"}),
    "services.inbound": (
        {
            "concurrency",
            "domain",
            "errors",
            "mail.inbound",
            "metrics",
            "security",
            "services.mail",
            "services.operations",
            "store",
            "store.mail",
        },
        {"structlog"},
    ),
    "services.ingest": (
        {"domain", "errors", "marketplace", "metrics", "services.operations", "slack.views", "store", "store.licenses"},
        {"structlog"},
    ),
    "services.mail": (
        {
            "concurrency",
            "domain",
            "errors",
            "mail.inbound",
            "mail.outbound",
            "mail.templating",
            "metrics",
            "security",
            "services.operations",
            "services.team",
            "store",
            "store.mail",
        },
        {"structlog"},
    ),
    "services.operations": (
        {
            "concurrency",
            "domain",
            "errors",
            "mail.inbound",
            "mail.outbound",
            "marketplace",
            "metrics",
            "services.inbound",
            "services.mail",
            "services.slack_delivery",
            "services.team",
            "slack",
            "slack.client",
            "slack.views",
            "store",
            "store.engine",
        },
        {"structlog"},
    ),
    "services.slack_delivery": (
        {
            "concurrency",
            "domain",
            "errors",
            "metrics",
            "services",
            "slack",
            "slack.client",
            "slack.views",
            "store",
        },
        {"structlog"},
    ),
    "services.team": (
        {"concurrency", "domain", "errors", "exports", "mail", "metrics", "slack.client", "slack.views", "store"},
        {"structlog"},
    ),
    "services.webhooks": (
        {
            "concurrency",
            "domain",
            "exports",
            "metrics",
            "services.operations",
            "store",
            "store.webhooks",
            "webhooks",
        },
        {"structlog"},
    ),
    "slack": ({"domain"}, set()),
    "slack.client": (
        {"concurrency", "domain", "errors", "metrics", "slack"},
        {"aiohttp", "slack_bolt", "slack_sdk", "structlog"},
    ),
    "slack.views": ({"domain", "errors", "slack", "slack.client"}, set()),
    "store": (
        {
            "concurrency",
            "domain",
            "errors",
            "security",
            "store.dnc",
            "store.engine",
            "store.licenses",
            "store.mail",
            "store.outbox",
            "store.webhooks",
        },
        {"orjson", "sqlalchemy"},
    ),
    "store.dnc": (
        {"concurrency", "domain", "security", "store", "store.engine", "store.outbox", "store.webhooks"},
        {"sqlalchemy"},
    ),
    "store.engine": (
        {"concurrency", "errors", "metrics", "security", "store"},
        {"aiosqlite", "alembic", "orjson", "sqlalchemy", "structlog"},
    ),
    "store.licenses": (
        {"concurrency", "domain", "security", "store", "store.dnc", "store.engine", "store.outbox", "store.webhooks"},
        {"sqlalchemy"},
    ),
    "store.mail": (
        {
            "concurrency",
            "domain",
            "metrics",
            "security",
            "store",
            "store.dnc",
            "store.engine",
            "store.licenses",
            "store.outbox",
        },
        {"sqlalchemy"},
    ),
    "store.outbox": ({"concurrency", "domain", "security", "store", "store.engine", "store.webhooks"}, {"sqlalchemy"}),
    "store.webhooks": ({"concurrency", "domain", "security", "store", "store.engine"}, {"sqlalchemy"}),
    "translations": (set(), set()),
    "web": (
        {
            "errors",
            "metrics",
            "services.inbound",
            "services.operations",
            "slack.client",
            "translations",
            "web.feedback",
            "web.inbound",
        },
        {"aiohttp", "slack_bolt", "slack_sdk"},
    ),
    "web.feedback": (
        {"concurrency", "domain", "errors", "services.inbound", "translations", "web", "web.inbound"},
        {"aiohttp", "structlog"},
    ),
    "web.inbound": (
        {"concurrency", "domain", "errors", "metrics", "security", "services.inbound"},
        {"aiohttp", "structlog"},
    ),
    "web.unsubscribe": ({"concurrency", "errors", "services.mail", "translations", "web"}, {"aiohttp", "structlog"}),
    "webhooks": ({"domain", "security"}, {"aiohttp", "yarl"}),
}
"""Folder or module below `bot` to the folders of ours that it imports, and to the third-party packages.

Compared with the tree: a line too many fails as well as a line too few.
"""

TIES = {("listeners", "config"), ("web", "config"), ("app", "log"), ("cli", "log"), ("__main__", "cli")}

PURE = ("bot.domain", "bot.slack", "bot.mail", "bot.web.unsubscribe.pages", "bot.web.unsubscribe.texts")
NOT_PURE = (
    "bot.slack.client",
    "bot.mail.inbound.imap",
    "bot.mail.inbound.oauth_token",
    "bot.mail.outbound.sender_dns",
    "bot.mail.outbound.smtp",
    "bot.mail.templating.template",
)
IMPURE_PACKAGES = {
    "aiohttp",
    "aiosmtplib",
    "asyncio",
    "dns",
    "httpx",
    "os",
    "random",
    "secrets",
    "slack_bolt",
    "slack_sdk",
    "socket",
    "sqlalchemy",
    "structlog",
    "time",
}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(BOT.rglob("*.py")):
        if "migrations" not in path.parts:
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


MODULES = dict(_modules())


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> tuple[str, ...]:
    return tuple(_read_imports(path))


def _read_imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in names)


def _part(module: str) -> str:
    """The folder of a module, without `bot`; of a module beside the folders, its own name."""
    path = MODULES[module]
    folder = path.parent.relative_to(BOT)
    return ".".join(folder.parts) or path.stem


@cache
def _imported() -> dict[str, tuple[set[str], set[str]]]:
    found: dict[str, tuple[set[str], set[str]]] = {}
    for name, path in MODULES.items():
        ours, theirs = found.setdefault(_part(name), (set(), set()))
        for module in _imports(path):
            top = module.partition(".")[0]
            if top == "bot":
                ours.add(_part(module) if module != "bot" else "")
            elif top not in sys.stdlib_module_names:
                theirs.add(top)
    return {part: (ours - {part, ""}, theirs) for part, (ours, theirs) in found.items() if part != "__init__"}


def _layer(part: str) -> int:
    top = part.partition(".")[0]
    return next(number for number, parts in enumerate(LAYERS) if top in parts)


def test_the_table_lists_what_each_part_imports() -> None:
    assert _imported() == PARTS


def test_imports_point_down() -> None:
    for part, (ours, _) in _imported().items():
        top = part.partition(".")[0]
        if top == "demo":
            continue
        others = {other for other in ours if other.partition(".")[0] != top}
        upward = {other for other in others - {"demo"} if _layer(other) <= _layer(part) and (top, other) not in TIES}
        assert not upward, part
        assert "demo" not in others or top == "cli", part


def test_the_demo_knows_nothing_of_the_bot() -> None:
    for part, (ours, _) in _imported().items():
        if part.startswith("demo"):
            assert all(other.startswith("demo") for other in ours)


def _folders_in_circles() -> set[str]:
    graph = {part: ours for part, (ours, _) in _imported().items()}
    found = set()
    for start, first in graph.items():
        seen: set[str] = set()
        todo = list(first)
        while todo:
            each = todo.pop()
            if each not in seen:
                seen.add(each)
                todo += graph.get(each, ())
        if start in seen:
            found.add(start)
    return found


def _module_graph() -> dict[str, set[str]]:
    return {name: {each for each in _imports(path) if each in MODULES} - {name} for name, path in MODULES.items()}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph, state = _module_graph(), dict[str, int]()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        state[name] = 1
        for each in sorted(graph[name]):
            if state.get(each) == 1 and each != "bot":
                raise AssertionError(" → ".join((*trail, name, each)))
            if each not in state:
                visit(each, (*trail, name))
        state[name] = 2

    for name in graph:
        if name not in state:
            visit(name, ())


def test_decisions_and_views_do_no_io() -> None:
    pure = {name: path for name, path in MODULES.items() if name.startswith(PURE) and not name.startswith(NOT_PURE)}
    found = {name: {each.partition(".")[0] for each in _imports(path)} & IMPURE_PACKAGES for name, path in pure.items()}
    assert {name: packages for name, packages in found.items() if packages} == {}


def test_modules_are_short_and_say_what_they_own() -> None:
    texts = {name: path.read_text() for name, path in MODULES.items()}
    assert [name for name, text in texts.items() if len(text.splitlines()) > 400] == []
    assert [name for name, path in MODULES.items() if not ast.get_docstring(_tree(path))] == []


def _long_functions(tree: ast.Module) -> dict[str, int]:
    """Functions whose body fits on no screen, with its lines."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lines = {each.name: (each.end_lineno or 0) - each.body[0].lineno + 1 for each in functions}
    return {name: count for name, count in lines.items() if count > 50}


def test_functions_fit_on_a_screen() -> None:
    found = {name: _long_functions(_tree(path)) for name, path in MODULES.items()}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_only_the_outermost_edges_catch_every_exception() -> None:
    broad = {name for name, path in MODULES.items() if "except Exception" in path.read_text()}
    assert broad == {
        "bot.cli.bounces",
        "bot.concurrency.supervisor",
        "bot.listeners.middleware",
    }  # a pipe, a job, a press


OLD_WORDS = frozenset(
    "ringing sight sights told tally rehearse rehearsal outlook poster whisper postman post_office troubles opt_out "
    "opt_outs last_orders cut_off hurry mailroom lifetimes actors admit presses remarks fingerprint fingerprints "
    "Traffic Lane Way Pace Postman Watch Sight Ringing Silence OptOut OptOuts Cause Verdict Letter Trouble Troubles "
    "Condition Checkup Guard Deps Keys Ground NeedsGround Rehearsal Outlook Tally Finding Parts trouble whole Post "
    "ClosedWays Remedy Poster Directory Patience Deliveries Gate Traced Stray subject_fingerprint "
    "subject_fingerprints whom".split()
)
"""Words of an earlier vocabulary. One idea has one word, on every floor."""


def _identifiers(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(_tree(path)):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word) | ast.keyword(arg=str(word)):
                found.add(word)
            case ast.FunctionDef(name=word) | ast.AsyncFunctionDef(name=word) | ast.ClassDef(name=word):
                found.add(word)
    return found


@pytest.mark.parametrize("part", ["bot", "benchmarks", "tests"])
def test_no_identifier_uses_the_old_words(part: str) -> None:
    found = {path: _identifiers(path) for path in sorted((ROOT / part).rglob("*.py")) if "migrations" not in path.parts}
    old = {
        str(path.relative_to(ROOT)): sorted(word for word in words if word.lstrip("_") in OLD_WORDS)
        for path, words in found.items()
    }
    assert {path: words for path, words in old.items() if words} == {}
