"""What systemd tells a service about itself in the environment; sd_notify(3), sd_watchdog_enabled(3)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceManager:
    """Where systemd listens, and how often it wants a sign of life. Both are empty if it asks for nothing."""

    address: str = ""
    watchdog: timedelta | None = None


def read_service_manager(environment: Mapping[str, str] = os.environ) -> ServiceManager:
    """Return what the environment says. A watchdog that is meant for another process does not count."""
    address, interval = environment.get("NOTIFY_SOCKET", ""), environment.get("WATCHDOG_USEC", "")
    is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    is_watched = is_ours and interval.isascii() and interval.isdecimal() and int(interval) > 0
    return ServiceManager(
        address=address if address.startswith(("/", "@")) else "",
        watchdog=timedelta(microseconds=int(interval)) if is_watched else None,
    )
