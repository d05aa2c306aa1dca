"""Users and user groups of the workspace."""

from dataclasses import dataclass
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client.web_api import call, expecting_known_shape, text

_SLACKBOT: Final = "USLACKBOT"
"""Slackbot, which users.info does not report as a bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A Slack user; `name` and `title` are how they sign emails."""

    name: str
    teams: frozenset[str]
    """Ids of their workspaces: one, except in an Enterprise organization."""
    title: str = ""
    zone: str = ""
    """The IANA name of their time zone; empty if Slack does not say it."""
    display_name: str = ""
    """The name that they chose for themselves."""
    handle: str = ""
    email: str | None = None
    """None if the app may not see it: it lacks the scope `users:read.email`."""
    is_guest: bool = False
    is_external: bool = False
    """Works for another company, and is here through a shared channel."""
    is_bot: bool = False
    is_deleted: bool = False


class SlackUsers:
    """The workspace's users and user groups. Raises what `SlackClient` raises."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def user(self, user: str) -> SlackUser:
        """Return a user. SlackRefused (`user_not_found` or `user_not_visible`) if there is none."""
        answer = await call(self._client.users_info(user=user))
        with expecting_known_shape():
            return _account(user, answer["user"])

    async def group(self, group: str) -> frozenset[str]:
        """Return the ids of a user group's members. SlackRefused (`no_such_subteam`) if there is no such group."""
        answer = await call(self._client.usergroups_users_list(usergroup=group))
        with expecting_known_shape():
            return frozenset(map(text, answer["users"]))


def _account(user: str, found: dict[str, Any]) -> SlackUser:
    profile = found.get("profile") or {}
    name = profile.get("real_name") or found.get("real_name") or found.get("name")
    # docs.slack.dev/reference/objects/user-object
    return SlackUser(
        name=str(name or ""),
        teams=frozenset([str(found.get("team_id")), *(found.get("enterprise_user") or {}).get("teams", ())]),
        title=str(profile.get("title") or ""),
        zone=str(found.get("tz") or ""),
        display_name=str(profile.get("display_name") or ""),
        handle=str(found.get("name") or ""),
        email=profile.get("email") or None,
        is_guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
        is_external=bool(found.get("is_stranger")),
        is_bot=bool(found.get("is_bot") or found.get("is_workflow_bot")) or user == _SLACKBOT,
        is_deleted=bool(found.get("deleted")),
    )
