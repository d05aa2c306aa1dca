"""Verify Forge Invocation Tokens: by them, Atlassian says which app on which site sends a request.

https://developer.atlassian.com/platform/forge/forge-remote-invocation-contract/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bot.errors import ForgeTokenRefused

if TYPE_CHECKING:
    from jwt.types import Options

_ALGORITHM: Final = "RS256"
_ISSUER: Final = "forge/invocation-token"
_LEEWAY_S: Final = 10
_LONGEST_KEY_ID: Final = 500
_OPTIONS: Final["Options"] = {"require": ["exp", "iat", "iss", "aud"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeClaims:
    """What a verified token says. What it may leave out is None."""

    app_key: str
    """The key of the app in the licenses report."""
    token_id: str | None
    issued_at: datetime
    environment: str
    """PRODUCTION, STAGING or DEVELOPMENT; empty if it is not said."""
    installation: str | None
    cloud_id: str | None
    site_url: str | None


def read_key_id(token: str) -> str:
    """Return which key the token says it is signed with. Raises ForgeTokenRefused unless it says RS256 and a key."""
    import jwt  # noqa: PLC0415  only a bot that Forge calls needs it

    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        raise ForgeTokenRefused from None  # the cause may quote the token
    key_id = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise ForgeTokenRefused
    return key_id


def verify_token(token: str, key: Mapping[str, Any], *, apps: Mapping[str, str], now: datetime) -> ForgeClaims:
    """Return what a token says, signed with this JSON Web Key for one of the `apps`: their keys by ARI.

    Raises ForgeTokenRefused.
    """
    import jwt  # noqa: PLC0415  as above

    try:
        claims = jwt.decode(
            token,
            jwt.PyJWK.from_dict(dict(key), algorithm=_ALGORITHM),
            algorithms=[_ALGORITHM],
            audience=list(apps),
            issuer=_ISSUER,
            options={**_OPTIONS, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        issued = float(claims["iat"])
        is_valid_now = max(issued, float(claims.get("nbf", issued))) - _LEEWAY_S <= now.timestamp()
        is_fresh = now.timestamp() <= float(claims["exp"]) + _LEEWAY_S
    except (jwt.PyJWTError, ValueError, TypeError):
        raise ForgeTokenRefused from None
    audience = claims["aud"]
    if not isinstance(audience, str) or not is_valid_now or not is_fresh:
        raise ForgeTokenRefused
    app, context = _object(claims.get("app")), _object(claims.get("context"))
    return ForgeClaims(
        app_key=apps[audience],
        token_id=_text(claims.get("jti")),
        issued_at=datetime.fromtimestamp(issued, UTC),
        environment=(_text(_object(app.get("environment")).get("type")) or "").upper(),
        installation=_text(app.get("installationId")),
        cloud_id=_text(context.get("cloudId")),
        site_url=_text(context.get("siteUrl")),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None  # noqa: PLR2004  no id is longer
