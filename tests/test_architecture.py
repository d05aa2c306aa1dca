"""The rules of the architecture, kept by the machine."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BOT = ROOT / "bot"

WORLD = {"errors", "domain"}
MAY_IMPORT = {
    "errors": set(),
    "domain": {"errors"},
    "marketplace": WORLD,
    "store": WORLD,
    "slack": WORLD,
    "mail": WORLD,
    "services": WORLD | {"marketplace", "store", "slack", "mail"},
    "listeners": WORLD | {"services", "store", "slack"},
    "web": WORLD | {"services", "slack"},
    "jobs": WORLD,
    "ending": {"jobs", "listeners", "services"},
    "env_file": {"errors"},
    "lead": WORLD | {"jobs", "store"},
    "network": set(),
    "config": WORLD | {"env_file", "network"},
    "launch": {"config", "log", "network"},
    "mailroom": WORLD | {"config", "services", "mail", "store"},
    "redaction": set(),
    "log": {"redaction"},
    "demo": set(),
    "bolt": {"log", "services"},
    "lifetimes": WORLD | {"jobs", "listeners", "services", "slack", "store"},
    "app": WORLD
    | {"bolt", "components", "config", "jobs", "lead", "lifetimes", "log", "mailroom"}
    | {"listeners", "web", "services", "marketplace", "store", "slack", "mail"},
    "preview": WORLD | {"services", "mail"},
    "printout": WORLD | {"services", "slack"},
    "components": WORLD | {"config", "log", "mailroom", "services", "marketplace", "store", "slack", "mail"},
    "check": WORLD | {"components", "config", "launch", "mailroom", "printout", "services", "slack", "store", "mail"},
    "cli": WORLD
    | {
        "app",
        "check",
        "cli_database",
        "cli_people",
        "components",
        "config",
        "launch",
        "log",
        "preview",
        "printout",
        "demo",
        "services",
        "store",
        "mail",
    },
    "cli_database": WORLD | {"components", "config", "launch", "store"},
    "cli_people": WORLD | {"components", "config", "launch", "mailroom", "store"},
    "__main__": {"cli"},
}
"""Part to the parts it may import; every part may import itself."""

PURE = ("bot.domain", "bot.slack", "bot.mail", "bot.web.unsubscribe.pages", "bot.web.unsubscribe.texts")
NOT_PURE = {
    "bot.slack.client.web_client",
    "bot.slack.client.users",
    "bot.slack.client.socket_mode",
    "bot.slack.client.web_api",
    "bot.slack.client.socket_hello",
    "bot.mail.outbound.smtp",
    "bot.mail.templating.template",
}
WORLDLY = {
    "aiohttp",
    "httpx",
    "asyncio",
    "os",
    "socket",
    "sqlalchemy",
    "aiosmtplib",
    "slack_sdk",
    "slack_bolt",
    "structlog",
    "random",
    "secrets",
    "time",
}


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(BOT.rglob("*.py")):
        if "migrations" not in path.parts:
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


MODULES = dict(_modules())


@pytest.mark.parametrize("name", [name for name in MODULES if name != "bot"])
def test_imports_point_one_way(name: str) -> None:
    part = name.split(".")[1]
    imported = {module.split(".")[1] for module in _imports(MODULES[name]) if module.startswith("bot.")}
    assert imported - {part} <= MAY_IMPORT[part]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith(PURE) and name not in NOT_PURE])
def test_what_decides_and_what_renders_touches_nothing(name: str) -> None:
    assert not {module.split(".")[0] for module in _imports(MODULES[name])} & WORLDLY


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("bot.domain")])
def test_the_domain_imports_the_standard_library_what_judges_addresses_and_itself(name: str) -> None:
    imported = {module.split(".")[0] for module in _imports(MODULES[name])}
    assert imported - sys.stdlib_module_names <= {"bot", "email_validator", "idna"}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("bot.services")])
def test_services_speak_to_the_outside_through_the_adapters(name: str) -> None:
    outside = {"slack_sdk", "slack_bolt", "aiohttp", "httpx", "aiosmtplib"}
    assert not {module.split(".")[0] for module in _imports(MODULES[name])} & outside


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("bot.") and not n.startswith("bot.store")])
def test_sql_stays_in_the_store(name: str) -> None:
    assert not {module for module in _imports(MODULES[name]) if module.startswith("sqlalchemy")}


@pytest.mark.parametrize("name", list(MODULES))
def test_modules_are_short_and_say_what_they_own(name: str) -> None:
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))


def test_every_exception_is_caught_by_its_name_but_at_the_outer_edges() -> None:
    broad = [name for name, path in MODULES.items() if "except Exception" in path.read_text()]
    assert broad == ["bot.cli.dnc", "bot.app.scheduler", "bot.listeners.middleware"]  # a pipe, a job, a press
