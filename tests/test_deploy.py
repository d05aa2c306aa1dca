"""The files of deploy/ name what the bot has, and keep what docs/install.md says of them."""

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bot.cli.main import cli
from bot.config.settings import Settings
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.web.metrics import PATH as METRICS
from bot.web.probes import LIVE, READY
from tests.scenarios.process import by_the_wall_clock, life
from tests.world import World

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
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


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_both() -> None:
    def built(folder: Path) -> dict[str, Document]:
        return {each["kind"]: each for each in yaml.safe_load_all(_run("kubectl", "kustomize", folder).stdout)}

    one, two = built(KUBERNETES), built(POSTGRES)
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

_CONTAINED = """
mount --make-rprivate /
mount --bind . /mnt
mount -o remount,bind,ro /
cd /mnt
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all "$@"
"""


def _may_contain() -> bool:
    """Return whether this user may do all that, and the other user may open Python and this checkout."""
    if not all(map(shutil.which, ("unshare", "setpriv"))):
        return False
    other = ("setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups")
    return _run("unshare", "--mount", *other, sys.executable, "-c", "import bot").returncode == 0


async def contained(folder: Path, environment: Mapping[str, str], log: Path) -> tuple[int, Awaitable[int]]:
    """As the image runs it: user 10001 without rights, everything read-only but its folder."""
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--mount", "sh", "-euc", _CONTAINED, "sh", sys.executable, "-m", "bot", "run"),
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": "/mnt", "PYTHONDONTWRITEBYTECODE": "1", **environment},
            stderr=stderr,
        )
    return process.pid, process.wait()


@pytest.mark.slow
@pytest.mark.skipif(not _may_contain(), reason="this user may not make a read-only root")
async def test_it_works_as_user_10001_on_a_read_only_root_and_ends_in_order(here: World) -> None:
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    os.chown(here.folder, 10001, 10001)
    async with life(here, birth=contained, database_url="sqlite+aiosqlite:///evaluators.db") as process:
        await here.card(NORTHWIND.company)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    database = here.folder / "evaluators.db"
    assert (database.stat().st_uid, database.stat().st_mode & 0o777) == (10001, 0o600)
