"""Who people are, as Slack knows them."""

from dataclasses import dataclass
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.client.web_api import call, expecting_known_shape, text

_SLACKBOT: Final = "USLACKBOT"
"""Slack's own bot, which users.info does not call one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """A Slack user, as far as it matters who they are; `name` and `title` are how they sign."""

    name: str
    teams: frozenset[str]
    """Ids of the workspaces they belong to: one, but in an Enterprise organization."""
    title: str = ""
    email: str | None = None
    """None where the app may not see it: it has no scope `users:read.email`."""
    is_guest: bool = False
    is_external: bool = False
    """Of another company, met in a shared channel."""
    is_bot: bool = False
    is_deleted: bool = False


class SlackUsers:
    """The workspace's people and user groups. Errors are those of `Poster`."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def user(self, user: str) -> SlackUser:
        """A user. SlackRefused, `user_not_found` or `user_not_visible`, for an id that is none."""
        answer = await call(self._client.users_info(user=user))
        with expecting_known_shape():
            return _account(user, answer["user"])

    async def group(self, group: str) -> frozenset[str]:
        """The ids of a user group's members. SlackRefused, `no_such_subteam`, for an id that is none."""
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
        email=profile.get("email") or None,
        is_guest=bool(found.get("is_restricted") or found.get("is_ultra_restricted")),
        is_external=bool(found.get("is_stranger")),
        is_bot=bool(found.get("is_bot") or found.get("is_workflow_bot")) or user == _SLACKBOT,
        is_deleted=bool(found.get("deleted")),
    )
