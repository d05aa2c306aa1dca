"""Tell the admins once about a problem, and once when it is over."""

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.domain.clock_skew import has_passed
from bot.domain.health import SocketStatus
from bot.domain.incidents import Incident, IncidentSource
from bot.errors import ApiGone, BotError, PermissionMissing, TokenRefused
from bot.slack.client.errors import WITHOUT_SCOPE, scopes_missing
from bot.slack.views import alerts
from bot.store import Store

log = structlog.get_logger()

_PERMANENT_ERRORS: Final[Mapping[type[BotError], str]] = {
    TokenRefused: "token_refused",
    PermissionMissing: "permission_missing",
    ApiGone: "api_gone",
}
"""Errors that do not pass by themselves; any other may be gone by the next poll."""
_KEEPS_FAILING: Final = "keeps_failing"
_FAILURES_BEFORE_ALERT: Final = 3
"""Failures in a row after which the admins are told."""
POLL_CODES: Final = (*_PERMANENT_ERRORS.values(), _KEEPS_FAILING)
_POLL: Final = frozenset(Incident(source=IncidentSource.POLL, code=code) for code in POLL_CODES)
_SWEEP: Final = frozenset(Incident(source=IncidentSource.SWEEP, code=code) for code in POLL_CODES)
_ROWS: Final = Incident(source=IncidentSource.ROWS, code="unread")
_NO_MAIL: Final = Incident(source=IncidentSource.MAIL, code="unavailable")
_REFUSED: Final = Incident(source=IncidentSource.MAIL, code="refused")
_MAILBOX: Final = Incident(source=IncidentSource.MAILBOX, code="unread")
_UNCLEAR: Final = Incident(source=IncidentSource.BOUNCES, code="unclear")
_SOCKET_DOWN: Final = Incident(source=IncidentSource.SOCKET, code="down")
_SOCKET_DOWN_FOR: Final = timedelta(minutes=5)
"""Slack closes connections several times a day, and outages pass. After this long the admins hear of it."""
_REMINDED_AFTER: Final = timedelta(days=1)
"""Nothing shows when servers accept our mail again. After this long, the next refusal is reported again."""


class AdminAlerts:
    """Alerts to the admins, or else to the channel; one for each kind, until the problem is over."""

    def __init__(
        self, store: Store, *, admins: Sequence[str], channel: str | None, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._to = tuple(admins) or (() if channel is None else (channel,))
        self._clock = clock

    async def poll_failed(self, error: BotError) -> None:
        """Alert about the last poll, which failed."""
        last = await self._store.polls.last()
        is_full = last is not None and last.is_full
        code = _PERMANENT_ERRORS.get(type(error), _KEEPS_FAILING)
        times = await self._store.polls.failed_in_a_row(is_full=is_full)
        if code != _KEEPS_FAILING or times >= _FAILURES_BEFORE_ALERT:
            text = alerts.report_unread(str(error), times=times, is_full=is_full)
            source = IncidentSource.SWEEP if is_full else IncidentSource.POLL
            await self._begin(Incident(source=source, code=code), text)

    async def poll_succeeded(self, quarantined: int, *, is_full: bool) -> None:
        """Close incidents after a good poll, of the full report or of what is new, and alert about quarantined rows."""
        await self._end(_POLL | _SWEEP if is_full else _POLL, alerts.report_read_again)
        if quarantined:
            await self._begin(_ROWS, alerts.rows_unread(quarantined))
        elif is_full:  # an ordinary poll does not come by the rows of long ago
            await self._end({_ROWS}, alerts.rows_read_again)

    async def check_socket(self, line: SocketStatus) -> None:
        """Alert if the Socket Mode connection has been down too long. Call it regularly."""
        if line.down is None:
            await self._end({_SOCKET_DOWN}, alerts.presses_again)
        elif line.down >= _SOCKET_DOWN_FOR:
            await self._begin(_SOCKET_DOWN, alerts.no_presses(line.problem or "", line.down))

    async def check_scopes(self, missing: AbstractSet[str]) -> None:
        """Alert once if the Slack app lacks scopes, and say what is off. Call it regularly."""
        lacking = tuple(sorted(missing & WITHOUT_SCOPE.keys()))
        now = Incident(source=IncidentSource.SCOPES, code="missing", scopes=lacking)
        known = {each.incident for each in await self._store.incidents.list_open()}
        over = {each for each in known if each.source is IncidentSource.SCOPES and each != now}
        if lacking:
            await self._store.incidents.close(over, "", to=(), at=self._clock())
            off = [sentence for scope, sentence in WITHOUT_SCOPE.items() if scope in missing]
            await self._begin(now, alerts.scopes_missing(scopes_missing(lacking), off))
        else:
            await self._end(over, alerts.scopes_granted)

    async def mail_refused(self, status: str) -> None:
        """Alert that a server refused an email because of the sender; at most once a day."""
        await self._once_a_day(_REFUSED, alerts.mail_refused(status))

    async def bounce_unclear(self) -> None:
        """Alert that a message nobody understands came to an email's return address; at most once a day."""
        await self._once_a_day(_UNCLEAR, alerts.unclear_bounce())

    async def mail_unavailable(self, error: BotError) -> None:
        """Alert that the mail server does not let the bot in."""
        await self._begin(_NO_MAIL, alerts.no_mail(str(error)))

    async def mail_recovered(self) -> None:
        """Close the incident about the mail server, which accepted an email."""
        await self._end({_NO_MAIL}, alerts.mail_goes_again)

    async def mailbox_unread(self, error: BotError) -> None:
        """Alert that the mailbox for replies cannot be read."""
        await self._begin(_MAILBOX, alerts.mailbox_unread(str(error)))

    async def mailbox_read_again(self) -> None:
        """Close the incident about the mailbox for replies."""
        await self._end({_MAILBOX}, alerts.mailbox_read_again)

    async def webhook_failing(self, host: str, error: str) -> None:
        """Alert that an address has taken no event for some time; `error` is a sentence about the last attempt."""
        await self._begin(_webhook("failing", host), alerts.webhook_failing(host, error))

    async def webhook_switched_off(self, host: str, error: str) -> None:
        """Alert that an address gets no more events."""
        await self._store.incidents.close({_webhook("failing", host)}, "", to=(), at=self._clock())
        await self._begin(_webhook("off", host), alerts.webhook_switched_off(host, error))

    async def webhook_recovered(self, host: str) -> None:
        """Close the incidents about an address, which took an event."""
        over = {_webhook(code, host) for code in ("failing", "off")}
        await self._end(over, lambda after: alerts.webhook_recovered(host, after))

    async def _once_a_day(self, incident: Incident, text: str) -> None:
        now = self._clock()
        since = [each.since for each in await self._store.incidents.list_open() if each.incident == incident]
        if since and not has_passed(_REMINDED_AFTER, since=min(since), now=now):
            return
        await self._store.incidents.close({incident}, "", to=(), at=now)
        await self._begin(incident, text)

    async def _begin(self, incident: Incident, text: str) -> None:
        if self._to:
            await self._store.incidents.open(incident, text, to=self._to, at=self._clock())
        else:  # `bounce` may know neither
            log.warning("alert_without_recipient", source=incident.source.value, code=incident.code)

    async def _end(self, over: Collection[Incident], said: Callable[[timedelta], str]) -> None:
        since = [each.since for each in await self._store.incidents.list_open() if each.incident in over]
        if since:
            now = self._clock()
            await self._store.incidents.close(over, said(now - min(since)), to=self._to, at=now)


def _webhook(code: str, host: str) -> Incident:
    return Incident(source=IncidentSource.WEBHOOKS, code=f"{code} {host}")
