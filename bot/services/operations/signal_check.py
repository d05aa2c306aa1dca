"""Check whether the tokens of Forge can be verified: by which keys, and by which clock."""

from datetime import datetime, timedelta
from typing import Final

from bot.domain.text import counted
from bot.errors import ForgeKeysUnavailable
from bot.services.inbound.forge_keys import FetchedKeys

_TOLERATED: Final = timedelta(seconds=5)
"""How far the clock may be off. A token lives 25 seconds, and takes a few of them to arrive."""


def describe_keys(found: FetchedKeys, *, now: datetime) -> str:
    """Return what was found. Raises ForgeKeysUnavailable if no token would be taken, with what to do."""
    usable = sum(key.get("kty") == "RSA" for key in found.keys.values())
    if not usable:
        raise ForgeKeysUnavailable(
            "FORGE_JWKS_URL has no key that signs tokens of Forge (RSA). Leave it out of `.env`, unless you test."
        )
    keys = f"{counted(usable, 'key')} of Forge can be read"
    if found.at is None:
        return f"{keys}; the answer has no date, so the clock was not compared"
    ahead = now - found.at
    if abs(ahead) > _TOLERATED:
        side = "ahead of" if ahead > timedelta(0) else "behind"
        raise ForgeKeysUnavailable(
            f"The clock of this machine is {abs(ahead).total_seconds():,.0f} s {side} Atlassian's, and tokens of Forge "
            "live for 25 s. Let a time service set it, for example with `timedatectl set-ntp true`."
        )
    return f"{keys}, and the clock agrees with Atlassian's"
