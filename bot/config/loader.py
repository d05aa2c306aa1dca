"""Load the settings from the environment or a `.env` file; nothing else reads either."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from bot.config.env_file import CONTROL, NO_FILE, EnvFile, read_env_file
from bot.config.network import CA_VARIABLES, PROXY_VARIABLES, read_network
from bot.config.settings import Settings, SomeSettings, WebhookSettings
from bot.config.value_files import SUFFIX, read_value_files
from bot.errors import SettingsMissing, SettingsWrong

_ALIKE: Final = 0.8
"""How similar two names are if one may be a misspelling of the other."""
_ALMOST_EQUAL: Final = 0.94
"""The same for a name in the environment, where most names belong to other programs."""
_OUR_WORDS: Final = ("slack_", "marketplace_", "mail_", "smtp_", "dkim_")
"""How settings begin that hardly any other program uses."""
DEFAULT_FILE: Final = Path(".env")
_SEVERAL_LINES: Final = frozenset({"mail_postal_address"})
_RESTRICTIONS: Final = frozenset(
    {"slack_actors", "test_sites", "mail_countries", "mail_at_most_every", "retention", "webhook_events"}
)
"""Settings that restrict the bot. A misspelled name must not drop the restriction."""
_PATHS: Final = ("mail_templates", "mail_countries", "dkim_key")
_SQLITE_FILE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)(?!/|:memory:|file:|\?)(?=.)", re.IGNORECASE)


Check = Callable[[Mapping[str, str]], Iterable[str]]
"""Yields a sentence for each problem that only shows when a setting is used. Gets what is set and well-formed, by
name in lower case.
"""
S = TypeVar("S", bound=SomeSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[S]):
    """The settings, and names that look like settings but are not, each with the setting that may be meant."""

    settings: S
    unknown: Mapping[str, str | None]


def settings_of(**given: Any) -> Settings:  # noqa: ANN401  each setting has a type of its own
    """Return the given settings, regardless of the environment. Raises SettingsWrong, which names every problem."""
    if strange := given.keys() - Settings.model_fields.keys():
        raise TypeError(f"no such setting: {', '.join(sorted(strange))}")
    settings, problems = _validated(Settings, given, NO_FILE, "")
    return _unless_wrong(settings, problems.lines)


def load_settings(
    model: type[S],
    env_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    check: Check = lambda _: (),
) -> Loaded[S]:
    """Return the settings of the model from the environment, or else from the named file, or from `.env` if it exists.

    A relative path in them is resolved against the folder of the named file, or else the working folder. Raises
    SettingsWrong with every problem at once, or SettingsMissing if the only problem is that some are missing. Other
    settings than those of the model may be missing or wrong.
    """
    texts = _read_texts(model, env_file, environment)
    path, file, given = texts.path, texts.file, texts.values
    values = {name: value for name, value in _rooted(given, path.parent).items() if name in model.model_fields}
    settings, problems = _validated(model, values, file, str(path))
    also = [*texts.problems]
    unknown = _unknown(file.values)
    if issubclass(model, Settings):
        misspelt = _misspelt(environment, {*given, *(name.removesuffix(SUFFIX) for name in texts.written)})
        also += _lost(unknown, misspelt, given, file, path)
        unknown |= misspelt
    if issubclass(model, WebhookSettings):
        network, unusable = read_network(_variables(environment, file, path.parent))
        also += unusable
        if isinstance(settings, WebhookSettings):
            settings._network = network  # noqa: SLF001  our own
    also += check({name: value for name, value in values.items() if name not in problems.names})
    found = _unless_wrong(settings, problems.lines, also=also)
    return Loaded(settings=found, unknown={name.upper(): meant for name, meant in unknown.items()})


def given_texts(env_file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """Return the text of each setting that is set, by name in lower case, whether or not it can be used.

    Raises SettingsWrong if the file cannot be opened.
    """
    return _read_texts(Settings, env_file, environment).values


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """What is written in the environment and the file. `values` has the settings, by name in lower case; `written`
    also the names of files that hold one.
    """

    path: Path
    file: EnvFile
    values: Mapping[str, str]
    written: Mapping[str, str]
    problems: Sequence[str]


def _read_texts(model: type[SomeSettings], env_file: Path | None, environment: Mapping[str, str]) -> _Texts:
    path = env_file or DEFAULT_FILE
    names = frozenset(Settings.model_fields)
    paths = frozenset(name + SUFFIX for name in names)
    known = names | paths | {name.lower() for name in (*PROXY_VARIABLES, *CA_VARIABLES)}
    nothing = env_file is None and not os.path.lexists(path)
    file = NO_FILE if nothing else read_env_file(path, known=known, several_lines=_SEVERAL_LINES)
    written = {name: value for name, value in file.values.items() if name in names | paths and value}
    written |= {name.lower(): value for name, value in environment.items() if name.lower() in names | paths and value}
    from_files = read_value_files(model.model_fields, written, environment, folder=path.parent)
    return _Texts(
        path=path,
        file=replace(file, unread=file.unread | from_files.unread),
        values={name: value for name, value in written.items() if name in names} | from_files.values,
        written=written,
        problems=[*file.problems, *from_files.problems],
    )


@dataclass(slots=True)
class _Problems:
    """What the validation found wrong: the lines, each with whether something is missing, and the settings' names."""

    lines: dict[str, bool] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


def _validated(model: type[S], values: Mapping[str, Any], file: EnvFile, path: str) -> tuple[S | None, _Problems]:
    """Return the settings, or None if validation fails, and the problems."""
    usable = {name: value.strip("\r\n") if isinstance(value, str) else value for name, value in values.items()}
    problems = _Problems()
    for name, value in usable.items():
        if isinstance(value, str) and name not in _SEVERAL_LINES and CONTROL.search(value):
            problems.names.add(name)
            problems.lines[f"{name.upper()} holds a line break or another control character. Remove it."] = False
    broken = frozenset(problems.names)
    try:
        return model.model_validate(usable), problems
    except ValidationError as exc:
        for error in exc.errors():
            name = _name(error)
            problems.names.add(name)
            if name in broken or (name in file.unread and _is_missing(error)):
                continue
            of_file = name in file.values and file.values[name] == values.get(name)
            at = f" (line {file.lines[name]} of {path})" if of_file else ""
            meant = model.model_fields[name].description
            says = f"is missing. Use {meant}." if _is_missing(error) else f"cannot be used. It should be {meant}."
            problems.lines[f"{name.upper()}{at} {says}{_place(error)}"] = _is_missing(error)
        return None, problems


def _unless_wrong(settings: S | None, problems: Mapping[str, bool], *, also: Sequence[str] = ()) -> S:
    lines = [*also, *problems]
    if settings is None or lines:
        missing_alone = not also and all(problems.values())
        raise (SettingsMissing if missing_alone else SettingsWrong)(lines) from None
    return settings


def _rooted(values: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the values with their relative paths resolved against a folder."""
    if folder == Path():
        return dict(values)
    found = dict(values)
    found |= {name: str(folder / values[name]) for name in _PATHS if name in values}
    url = values.get("database_url", str(Settings.model_fields["database_url"].default))
    return {**found, "database_url": _SQLITE_FILE.sub(lambda scheme: f"{scheme[1]}{folder}/", url.strip())}


def _variables(environment: Mapping[str, str], file: EnvFile, folder: Path) -> dict[str, str]:
    """Return the network variables from the environment, or else from the file."""
    wanted = (*PROXY_VARIABLES, *CA_VARIABLES)
    found = {name: environment[name] for name in wanted if name in environment}
    set_there = {name.lower() for name, value in found.items() if value}
    for name in {*CA_VARIABLES, *(name.upper() for name in PROXY_VARIABLES)}:
        value = file.values.get(name.lower())
        if value and name.lower() not in set_there:
            found[name] = str(folder / value) if name in CA_VARIABLES else value
    return found


def _unknown(written: Mapping[str, str]) -> dict[str, str | None]:
    """Return names in the file that look like settings but are not, each with the one that may be meant.

    Only names that begin or nearly read like a setting count: the file may serve others, and a stray line may be a
    secret.
    """
    settings = list(Settings.model_fields)
    others = {name.lower() for name in (*PROXY_VARIABLES, *CA_VARIABLES)}
    families = {name.partition("_")[0] for name in settings if "_" in name}
    found = {}
    for name in (name for name, value in written.items() if value):
        meant = next(iter(get_close_matches(name, settings, n=1, cutoff=_ALIKE)), None)
        is_ours = name in settings or name in others or name.removesuffix(SUFFIX) in settings
        if not is_ours and (meant or name.partition("_")[0] in families):
            found[name] = meant and meant.upper()
    return found


def _misspelt(environment: Mapping[str, str], given: Collection[str]) -> dict[str, str | None]:
    """Return names in the environment that nearly read like a setting that is not set, each with that setting.

    Most of the environment belongs to others, so only names that hardly any other program uses count.
    """
    ours = [
        name
        for name in Settings.model_fields
        if name not in given and (name in _RESTRICTIONS or name.startswith(_OUR_WORDS))
    ]
    found: dict[str, str | None] = {}
    for name in (name.lower() for name, value in environment.items() if value):
        for meant in get_close_matches(name, ours, n=1, cutoff=_ALIKE):
            is_near = SequenceMatcher(None, meant, name).ratio() >= _ALMOST_EQUAL
            if name not in Settings.model_fields and (is_near or _must_not_be_lost(meant)):
                found[name] = meant.upper()
    return found


def _must_not_be_lost(name: str) -> bool:
    """Return whether a name is a restriction that no other program could mean."""
    return name in _RESTRICTIONS and name.startswith(_OUR_WORDS)


def _lost(
    unknown: Mapping[str, str | None],
    misspelt: Mapping[str, str | None],
    given: Collection[str],
    file: EnvFile,
    path: Path,
) -> Iterator[str]:
    """Yield a sentence for each restriction that is misspelt, and so would be dropped."""
    dropped = {name.upper() for name in _RESTRICTIONS - set(given)}
    for name, meant in unknown.items():
        if meant in dropped:
            written = ascii(name.upper())[1:-1]
            yield f"Line {file.lines[name]} of {path} sets {written}, which is no setting. Write {meant}."
    for name, meant in misspelt.items():
        if meant in dropped and _must_not_be_lost(meant.lower()):
            yield f"The environment sets {ascii(name.upper())[1:-1]}, which is no setting. Write {meant}."


def _name(error: Any) -> str:  # noqa: ANN401  pydantic's own dictionary
    """Return the name of the setting that an error is about."""
    return str(error["ctx"]["other"] if error["type"] == "missing_both" else error["loc"][0])


def _place(error: Any) -> str:  # noqa: ANN401  as above
    """Return a hint about which entry of a list is wrong, or an empty text."""
    is_of_many = error["type"] == "value_error" and len(error["loc"]) > 1
    return f" Look at entry {error['loc'][1] + 1}." if is_of_many else ""


def _is_missing(error: Any) -> bool:  # noqa: ANN401  as above
    return error["type"] in {"missing", "missing_both"}
