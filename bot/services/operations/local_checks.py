"""Check what needs no server: who may read the files with secrets, and which secrets are sent unencrypted."""

import shlex
import stat
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from bot.services.operations.setup_check import CheckResult


def file_permissions(paths: Iterable[Path]) -> CheckResult:
    """Check whether other users of the machine may read or change our files. Missing files are ignored."""
    what = "File permissions"
    open_to_others = [shlex.quote(str(path)) for path in paths if _is_open_to_others(path)]
    if open_to_others:
        names = " ".join(open_to_others)
        says = f"Every user of this machine may open {names}. Run: chmod o= {names}"
        return CheckResult(name=what, is_ok=False, message=says)
    return CheckResult(
        name=what, is_ok=True, message="no other user may open the settings, the database or the signing key"
    )


def _is_open_to_others(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:  # whether it can be read is said where it is read
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IRWXO)


def secrets_in_the_clear(
    *, smtp_host: str | None, smtp_tls: str, has_password: bool, urls: Mapping[str, str]
) -> CheckResult:
    """Check whether a password or a token leaves this machine unencrypted; `urls` are keyed by the name of
    the setting.
    """
    wrong = [
        f"{name} begins with http://, so its token can be read on the way. Write https://."
        for name, url in urls.items()
        if urlsplit(url).scheme == "http" and not is_this_machine(urlsplit(url).hostname or "")
    ]
    if has_password and smtp_tls == "none" and not is_this_machine(smtp_host or ""):
        wrong.append("With SMTP_TLS=none SMTP_PASSWORD can be read on the way. Set SMTP_TLS to starttls or tls.")
    says = " ".join(wrong) or "no password or token leaves this machine in the clear"
    return CheckResult(name="Encryption", is_ok=not wrong, message=says)


def is_this_machine(host: str) -> bool:
    """Return whether a host is this machine by its name alone, on whatever machine this runs."""
    name = host.lower().strip("[]").rstrip(".")
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
