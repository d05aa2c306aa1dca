"""Open and change modals. A call that Slack refuses temporarily is retried once; a closed modal is left alone."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from bot.errors import BotError, SlackOutcomeUnknown, SlackRefused, SlackUnavailable
from bot.listeners.payloads import Press
from bot.listeners.services import ListenerServices
from bot.slack.ids import View
from bot.slack.views import modals, replies
from bot.slack.views.modals import Modal

_TRIGGER_LASTS_S: Final = 2.0
"""A trigger id lasts three seconds, of which some have passed."""
_LOOKS_AT_IT_S: Final = 5.0
"""How long a person may look at a modal that is still loading, in seconds."""
EXPIRED_TRIGGER: Final = frozenset(
    {"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"}
    | {"invalid_trigger_id", "invalid_trigger"}
)
"""Slack's error codes for a trigger that opens no modal any more."""
_CLOSED: Final = "not_found"
_CHANGED_MEANWHILE: Final = "hash_conflict"


async def open_modal(services: ListenerServices, trigger: str, view: dict[str, Any]) -> str:
    """Open a modal and return its id. Raises SlackError if Slack does not open it, even after a short pause."""
    if not trigger:
        raise SlackRefused("Slack sent no trigger.", code="invalid_trigger_id")
    try:
        return await services.slack.open_modal(trigger, view)
    except SlackUnavailable as exc:
        if exc.retry_after > _TRIGGER_LASTS_S:
            raise
        await services.sleep(exc.retry_after)
    return await services.slack.open_modal(trigger, view)


async def show_form(
    services: ListenerServices, press: Press, view: View, content: Callable[[Press], Awaitable[Modal]]
) -> None:
    """Open a modal while the trigger is valid, then fill it; errors appear in the modal.

    Before that, only duplicates are checked: neither the person nor the database. A button in a modal fills that one.
    """
    view_id = press.view_id or await open_modal(services, press.trigger, modals.loading(view, press.metadata))
    try:
        modal = await content(press)
    except BotError as exc:
        modal = modals.message(replies.problem(exc))
    await change_modal(services, view_id, modal)


async def change_modal(services: ListenerServices, view_id: str, view: dict[str, Any]) -> bool:
    """Change an open modal and return True, or False if the person has closed it. Raises SlackError if Slack does not
    change it.
    """
    for is_last in (False, True):
        try:
            await services.slack.update_modal(view_id, view)
        except SlackRefused as exc:
            if exc.code == _CLOSED:
                return False
            if is_last or exc.code != _CHANGED_MEANWHILE:
                raise
        except SlackUnavailable as exc:
            if is_last or exc.retry_after > _LOOKS_AT_IT_S:
                raise
            await services.sleep(exc.retry_after)
        except SlackOutcomeUnknown:
            if is_last:  # to change it twice does no harm
                raise
        else:
            return True
    return True
