"""The files of deploy/ name what the bot has, and keep what docs/install.md says of them."""

import asyncio
import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from bot.cli.main import cli
from bot.config.settings import Settings
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.web.metrics import PATH as METRICS
from bot.web.probes import LIVE, READY
from tests.scenarios.process import by_the_wall_clock, life
from tests.world import COUNTRIES, World

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
FIXTURES = ROOT / "tests" / "fixtures"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
UNITS = sorted(DEPLOY.glob("systemd/*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
KUBERNETES, POSTGRES = DEPLOY / "kubernetes", DEPLOY / "kubernetes-postgres"
NAMES = {name.upper() for name in Settings.model_fields}
SETTINGS = NAMES | {f"{name}_FILE" for name in NAMES}
OTHERS = {"HOME", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONUNBUFFERED"}

Document = dict[str, Any]


def _documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def _manifests(folder: Path) -> dict[str, Document]:
    """Return the objects of a folder by kind."""
    found = [each for path in sorted(folder.glob("*.yaml")) for each in _documents(path) if isinstance(each, dict)]
    return {each["kind"]: each for each in found if each["kind"] != "Kustomization"}


def _bots() -> Iterator[Document]:
    """Yield the bot's service in each compose file."""
    for path in COMPOSE:
        [document] = _documents(path)
        yield document["services"]["bot"]


def _unit(path: Path) -> dict[str, list[str]]:
    """Return the settings of a unit, each with every value it is given."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def _script(line: str) -> list[str]:
    """Return the arguments of a line in a unit, as systemd passes them."""
    return [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(line)]


MANIFESTS = _manifests(KUBERNETES)
POD = MANIFESTS["Deployment"]["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]


# --- Names ---------------------------------------------------------------------------------------------------------


def test_every_setting_in_them_exists() -> None:
    named = set(re.findall(r"([A-Z_]+)=", "".join(re.findall(r"^ENV .+$", DOCKERFILE, re.MULTILINE))))
    named |= {name for bot in _bots() for name in bot["environment"]}
    named |= {each["name"] for each in CONTAINER["env"]}
    named |= {value.partition("=")[0] for path in SERVICES for value in _unit(path).get("Environment", [])}
    assert {"HTTP_HOST", "DATABASE_URL"} <= named
    assert named <= SETTINGS | OTHERS


def test_every_credential_is_named_like_a_setting() -> None:
    named = {name for path in SERVICES for name in re.findall(r"LoadCredential=(\w+):", path.read_text())}
    assert named == {"secret_key"}
    assert named <= Settings.model_fields.keys()


def _commands() -> Iterator[str]:
    """Yield what follows the bot's name where it is the command, not an object, a user or a folder."""
    for line in re.findall(r"^(?:HEALTHCHECK|ENTRYPOINT) .*?(\[.+\])$", DOCKERFILE, re.MULTILINE):
        command, *words = json.loads(line)
        assert command == "evaluator-bot"
        yield " ".join(words)
    for path in DEPLOY.rglob("*"):
        if path.is_file():
            name = r"(?<!-n )(?<!generic )(?<!=)(?:(?<=/bin/)|(?<!/))evaluator-bot"
            yield from re.findall(rf"{name} ((?:[a-z-]+ ?)+)", path.read_text())


@pytest.mark.parametrize("words", sorted(set(_commands())))
def test_every_command_in_them_exists(words: str) -> None:
    answer = CliRunner().invoke(cli, [*words.split(), "--help"])
    assert answer.exit_code == 0, answer.output


def test_the_probes_ask_for_paths_that_exist() -> None:
    probes = {name: CONTAINER[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": READY,
        "livenessProbe": LIVE,
        "readinessProbe": READY,
    }
    port = _port("http")
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert port["containerPort"] == Settings.model_fields["http_port"].default


def _port(name: str) -> Document:
    [port] = [each for each in CONTAINER["ports"] if each["name"] == name]
    return dict(port)


def test_prometheus_is_sent_to_the_port_of_the_metrics() -> None:
    annotations = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    [given] = [each["value"] for each in CONTAINER["env"] if each["name"] == "METRICS_PORT"]
    assert annotations["prometheus.io/port"] == given == str(_port("metrics")["containerPort"])
    assert annotations["prometheus.io/path"] == METRICS


# --- Container -----------------------------------------------------------------------------------------------------


def test_images_have_a_version_and_the_bot_its_own() -> None:
    base = re.findall(r"^ARG BASE=(.+)$", DOCKERFILE, re.MULTILINE)
    images = [each["image"] for path in COMPOSE for each in _documents(path)[0]["services"].values()]
    images += [*base, CONTAINER["image"]]
    assert all(re.fullmatch(r"[\w/.-]+:\d[\w.-]*", image) for image in images), images
    [version] = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {image for image in images if image.startswith("evaluator-bot")} == {f"evaluator-bot:{version}"}
    assert f"ARG VERSION={version}\n" in DOCKERFILE


def test_the_image_has_two_stages_and_ends_without_rights() -> None:
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert re.findall(r"^COPY (?!--from=build )", stages[1], re.MULTILINE) == []
    assert re.findall(r"^USER (.+)$", stages[1], re.MULTILINE)[-1] == "10001:10001"


LINTER = ROOT / "node_modules" / "dockerfile-utils" / "bin" / "dockerfile-utils"


@pytest.mark.skipif(not LINTER.exists() or shutil.which("node") is None, reason="needs dockerfile-utils, from npm")
def test_a_linter_finds_nothing_in_the_dockerfile() -> None:
    answer = _run("node", LINTER, "lint", DEPLOY / "Dockerfile")
    assert (answer.returncode, answer.stdout + answer.stderr) == (0, "")


def test_no_instruction_of_the_dockerfile_is_a_known_trap() -> None:
    instructions = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if line and line[0] not in "# "]
    names = {name for name, _ in instructions}
    assert names <= {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "LABEL", "ENV", "USER"} | {
        *("VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD")
    }  # no ADD, and nothing that is deprecated
    given = dict(instructions)
    assert all(json.loads(given[name][given[name].index("[") :]) for name in ("HEALTHCHECK", "ENTRYPOINT", "CMD"))
    assert all(each.startswith("/") for name, each in instructions if name == "WORKDIR")
    runs = [each for name, each in instructions if name == "RUN"]
    assert not re.search(r"\bsudo\b|apt-get|curl|wget|:latest", DOCKERFILE)
    assert all(
        "--no-cache-dir" in each for run in runs for each in run.split("&&") if re.search("pip.* (install|wheel)", each)
    )


def test_the_build_is_given_what_it_copies_and_nothing_else() -> None:
    copied = {word for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()}
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line[0] == "!"} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_every_bot_runs_without_rights_on_a_file_system_that_it_cannot_write() -> None:
    for bot in _bots():
        assert bot["user"] == "10001:10001"
        assert bot["read_only"] is True
        assert bot["cap_drop"] == ["ALL"]
        assert bot["security_opt"] == ["no-new-privileges:true"]
        assert bot["stop_grace_period"] == "30s"
        assert bot["build"]["dockerfile"] == "deploy/Dockerfile"
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == 10001
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


# --- Kubernetes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [KUBERNETES, POSTGRES], ids=lambda path: path.name)
def test_every_manifest_is_used(folder: Path) -> None:
    [document] = _documents(folder / "kustomization.yaml")
    used = [*document["resources"], *(patch["path"] for patch in document.get("patches", []) if "path" in patch)]
    files = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
    assert {name for name in used if not name.startswith("..")} == files


def test_one_copy_on_sqlite_and_two_on_postgresql() -> None:
    one, two = MANIFESTS["Deployment"]["spec"], _manifests(POSTGRES)["Deployment"]["spec"]
    assert (one["replicas"], one["strategy"]) == (1, {"type": "Recreate"})
    assert two["replicas"] == 2
    assert two["strategy"]["type"] == "RollingUpdate"
    assert two["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert _manifests(POSTGRES)["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    [document] = _documents(DEPLOY / "compose.postgres.yaml")
    assert document["services"]["bot"]["deploy"]["replicas"] == 2


def test_every_selector_finds_the_pods() -> None:
    labels = MANIFESTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert MANIFESTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert MANIFESTS["Service"]["spec"]["selector"] == labels
    assert MANIFESTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert _manifests(POSTGRES)["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def _run(*command: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401  as subprocess.run
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)  # noqa: S603  ours


def _verify(document: Document) -> None:
    """Raise ValidationError unless Kubernetes knows every field of an object."""
    schemas = json.loads((FIXTURES / "kubernetes-1.37.json").read_text())
    schema = {**schemas["kinds"][document["kind"]], "definitions": schemas["definitions"]}
    jsonschema.Draft202012Validator(schema).validate(document)


def test_kubernetes_knows_every_field() -> None:
    for document in [*MANIFESTS.values(), _manifests(POSTGRES)["PodDisruptionBudget"]]:
        _verify(document)
    wrong = json.loads(json.dumps(MANIFESTS["Deployment"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(jsonschema.ValidationError, match="livenesProbe"):
        _verify(wrong)


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_compose_knows_every_field(path: Path) -> None:
    [document] = _documents(path)
    assert document.pop("name")  # the schema is older
    jsonschema.Draft201909Validator(json.loads((FIXTURES / "compose-spec.json").read_text())).validate(document)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_both() -> None:
    def built(folder: Path) -> dict[str, Document]:
        return {each["kind"]: each for each in yaml.safe_load_all(_run("kubectl", "kustomize", folder).stdout)}

    one, two = built(KUBERNETES), built(POSTGRES)
    for document in (*one.values(), *two.values()):
        _verify(document)
    assert one.keys() - two.keys() == {"PersistentVolumeClaim"}
    assert two.keys() - one.keys() == {"PodDisruptionBudget"}
    volumes = {each["name"]: each for each in two["Deployment"]["spec"]["template"]["spec"]["volumes"]}
    assert volumes["data"].keys() == {"name", "emptyDir"}
    assert len(two["NetworkPolicy"]["spec"]["egress"]) == len(one["NetworkPolicy"]["spec"]["egress"]) + 1


# --- systemd -------------------------------------------------------------------------------------------------------

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="needs systemd; CI has it"
)


@needs_systemd
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_the_exposure_of_a_service_is_low(path: Path) -> None:
    answer = _run("systemd-analyze", "security", "--offline=yes", "--threshold=25", path)
    assert answer.returncode == 0, answer.stdout


@needs_systemd
def test_systemd_understands_every_line_of_the_units() -> None:
    lines = _run("systemd-analyze", "verify", *UNITS).stderr.splitlines()
    assert [line for line in lines if not line.endswith("is not executable: No such file or directory")] == []


def test_the_service_is_watched_and_not_restarted_with_wrong_settings() -> None:
    unit = _unit(DEPLOY / "systemd" / "evaluator-bot.service")
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"] == ["60"]
    assert unit["RestartPreventExitStatus"] == ["2"]


@pytest.mark.slow
def test_the_backup_service_writes_a_backup_verifies_it_and_removes_old_ones(tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / "old.db").touch()
    os.utime(backups / "old.db", (0, 0))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "SECRET_KEY": "a key for tests that is long enough",
    }
    _run("evaluator-bot", "db", "upgrade", cwd=tmp_path, env=environment)
    for line in _unit(DEPLOY / "systemd" / "evaluator-bot-backup.service")["ExecStart"]:
        answer = _run(*_script(line), cwd=tmp_path, env=environment)
        assert answer.returncode == 0, answer.stderr
    names = sorted(path.name for path in backups.iterdir())
    assert [re.sub(r"\d", "0", name) for name in names] == ["0000-00-00T000000.csv", "0000-00-00T000000.db"]
    assert {path.stat().st_mode & 0o777 for path in backups.iterdir()} == {0o600}


# --- All of it -----------------------------------------------------------------------------------------------------

CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1


@pytest.fixture
def loopback_alone() -> Iterator[None]:
    """No network but the loopback interface, for this thread and the processes that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        if libc.unshare(CLONE_NEWNET):
            pytest.skip("this user may not make a network of its own")
        try:
            with socket.socket() as any_socket:
                fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
            with socket.socket() as out, pytest.raises(OSError, match="unreachable"):
                out.connect(("192.0.2.1", 443))
            yield
        finally:
            libc.setns(before.fileno(), CLONE_NEWNET)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel was installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    for command in (
        ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT),
        ("install", "--no-deps", "--no-index", "--find-links", folder, "--target", folder / "site", "evaluator-bot"),
    ):
        answer = _run(*pip, *command)
        assert answer.returncode == 0, answer.stderr
    return folder / "site"


def _contained(site: Path, folder: Path) -> list[str]:
    """Return how to run the bot as the image does: user 10001, everything read-only but /tmp and its folder.

    The checkout is not there, so that all the bot needs has to be in the wheel.
    """
    places = [
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108  a new one
        *("--tmpfs", ROOT, "--ro-bind", Path(sys.prefix), Path(sys.prefix), "--remount-ro", ROOT),
        *("--ro-bind", site, SITE, "--bind", folder, DATA, "--chdir", DATA),
    ]
    rights = ["--unshare-user", "--uid", "10001", "--gid", "10001", "--cap-drop", "ALL", "--die-with-parent"]
    return ["bwrap", *map(str, places), *rights]


SITE, DATA = Path("/tmp/site"), Path("/tmp/data")  # noqa: S108  in there
EXPLORE = """
import bot, os
assert os.getuid() == 10001 and bot.__file__.startswith("/tmp/site/"), (os.getuid(), bot.__file__)
for place in ("/etc", "/usr", os.path.dirname(bot.__file__)):
    try:
        open(place + "/probe", "w")
    except OSError as exc:
        assert "Read-only" in str(exc), exc
    else:
        raise AssertionError(place)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("loopback_alone")
@pytest.mark.skipif(shutil.which("bwrap") is None and not os.environ.get("CI"), reason="needs bubblewrap; CI has it")
async def test_the_wheel_works_as_the_image_runs_it_and_ends_in_order(installed: Path, here: World) -> None:
    contained = _contained(installed, here.folder)
    explored = _run(*contained, "--setenv", "PYTHONPATH", SITE, sys.executable, "-c", EXPLORE)
    assert explored.returncode == 0, explored.stderr

    async def birth(_: Path, environment: Mapping[str, str], log: Path) -> tuple[int, Awaitable[int]]:
        info, answer = os.pipe()
        fixed = {"HOME": str(DATA), "PYTHONPATH": str(SITE), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
        with log.open("wb") as stderr, os.fdopen(info, "rb") as started:
            process = await asyncio.create_subprocess_exec(
                *(*contained, "--info-fd", str(answer), sys.executable, "-m", "bot", "run"),
                env={**environment, **fixed},
                stderr=stderr,
                pass_fds=[answer],
            )
            os.close(answer)
            pid = json.load(started)["child-pid"]
        return pid, process.wait()

    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    shutil.copy(COUNTRIES, here.folder)
    database = "sqlite+aiosqlite:///evaluators.db"
    async with life(here, birth=birth, database_url=database, mail_countries=COUNTRIES.name) as process:
        await here.card(NORTHWIND.company)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    assert (here.folder / "evaluators.db").stat().st_mode & 0o777 == 0o600
