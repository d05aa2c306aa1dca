"""Every metric: its name, what it says, its labels. Dashboards and alerts rely on the names and on the values."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Generic, TypeVarTuple

from bot.domain.digest import DigestKind
from bot.domain.incidents import IncidentSource
from bot.domain.reminders import ReminderState, ReminderStep
from bot.metrics.labels import (
    AppKey,
    DatabaseOperation,
    DeliveryOutcome,
    DigestOutcome,
    EmailOutcome,
    EvaluationEvent,
    GateAnswer,
    GateReason,
    InboundResult,
    InboundSource,
    LeadReason,
    MessageKind,
    PollKind,
    PollResult,
    PressKind,
    RowResult,
    SlackAnswer,
    SlackMethod,
    Version,
    WebhookOutcome,
)

L = TypeVarTuple("L")
Label = StrEnum | AppKey | Version

_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True, eq=False)
class Metric(Generic[*L]):
    """A name, its help text, and its labels: for each, the type of its values."""

    name: str
    help: str
    labels: dict[str, type[Label]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Counter(Metric[*L]):
    """A number that only grows."""

    starts_at_zero: bool = True
    """Whether every combination of labels is shown from the start. Many of some metrics never occur."""


@dataclass(frozen=True, slots=True, eq=False)
class Gauge(Metric[*L]):
    """A number that rises and falls."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(Metric[*L]):
    """How often something took how many seconds; `buckets` are upper bounds."""

    buckets: tuple[float, ...] = ()


BUILD_INFO: Final[Gauge[Version, Version, Version]] = Gauge(
    "evaluator_bot_build_info",
    "1, with what runs.",
    {"version": Version, "python": Version, "database": Version},
)
LEADER: Final[Gauge[()]] = Gauge("evaluator_bot_leader", "1 if this copy leads. The sum over all copies should be 1.")
LEADER_CHANGES: Final[Counter[LeadReason]] = Counter(
    "evaluator_bot_leader_changes_total", "How often this copy began to lead.", {"reason": LeadReason}
)
POLLS: Final[Counter[PollKind, PollResult]] = Counter(
    "evaluator_bot_poll_total", "Polls of the report that ended.", {"kind": PollKind, "outcome": PollResult}
)
POLL_SECONDS: Final[Histogram[PollKind]] = Histogram(
    "evaluator_bot_poll_seconds",
    "How long polls took.",
    {"kind": PollKind},
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)
LAST_GOOD_POLL: Final[Gauge[PollKind]] = Gauge(
    "evaluator_bot_last_good_poll_timestamp_seconds",
    "When the latest good poll began. A sweep counts as a poll, too. 0 if there was none.",
    {"kind": PollKind},
)
REPORT_ROWS: Final[Counter[RowResult]] = Counter(
    "evaluator_bot_report_rows_total", "Rows of the report that were read.", {"result": RowResult}
)
EVALUATIONS: Final[Counter[EvaluationEvent, AppKey]] = Counter(
    "evaluator_bot_evaluations_total",
    "What happened to evaluations, also to those without a card.",
    {"event": EvaluationEvent, "app": AppKey},
)
REPORT_DELAY: Final[Histogram[()]] = Histogram(
    "evaluator_bot_report_delay_seconds",
    "How long after their start trials with a card showed up in the report. Upper bounds: the report gives a day.",
    buckets=(_HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 3 * _DAY, 5 * _DAY, 7 * _DAY),
)
DELIVERIES_WAITING: Final[Gauge[MessageKind]] = Gauge(
    "evaluator_bot_deliveries_waiting", "Deliveries to Slack that are waiting.", {"kind": MessageKind}
)
DELIVERY_AGE: Final[Gauge[()]] = Gauge(
    "evaluator_bot_delivery_age_seconds", "How long the oldest of these deliveries has been waiting."
)
DELIVERIES: Final[Counter[MessageKind, DeliveryOutcome]] = Counter(
    "evaluator_bot_deliveries_total",
    "Deliveries to Slack that ended.",
    {"kind": MessageKind, "outcome": DeliveryOutcome},
)
DELIVERY_SECONDS: Final[Histogram[MessageKind]] = Histogram(
    "evaluator_bot_delivery_seconds",
    "How long it took from the fact to its message in Slack.",
    {"kind": MessageKind},
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, _HOUR),
)
SLACK_REQUESTS: Final[Counter[SlackMethod, SlackAnswer]] = Counter(
    "evaluator_bot_slack_requests_total",
    "Requests to Slack's Web API.",
    {"method": SlackMethod, "code": SlackAnswer},
    starts_at_zero=False,
)
SLACK_RETRY_AFTER: Final[Counter[()]] = Counter(
    "evaluator_bot_slack_retry_after_seconds_total", "Seconds for which Slack asked to be left alone."
)
SOCKET_CONNECTED: Final[Gauge[()]] = Gauge(
    "evaluator_bot_socket_connected", "1 if the socket to Slack is open. NaN if Slack calls over HTTP instead."
)
SOCKET_LAST_HEARD: Final[Gauge[()]] = Gauge(
    "evaluator_bot_socket_last_heard_timestamp_seconds", "When Slack was last heard on the socket. NaN if never."
)
PRESS_SECONDS: Final[Histogram[PressKind]] = Histogram(
    "evaluator_bot_press_seconds",
    "How long it took until a press was acknowledged. Slack waits for three seconds.",
    {"kind": PressKind},
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3),
)
MAILS: Final[Counter[EmailOutcome]] = Counter(
    "evaluator_bot_mails_total", "What became of emails.", {"outcome": EmailOutcome}
)
MAIL_GATE: Final[Counter[GateAnswer, GateReason]] = Counter(
    "evaluator_bot_mail_gate_total",
    "What the email policy answered when an email was queued or about to be sent.",
    {"answer": GateAnswer, "reason": GateReason},
    starts_at_zero=False,
)
INBOUND: Final[Counter[InboundSource, InboundResult]] = Counter(
    "evaluator_bot_inbound_total",
    "What came in from outside.",
    {"source": InboundSource, "result": InboundResult},
)
NUDGES: Final[Counter[ReminderStep, ReminderState]] = Counter(
    "evaluator_bot_nudges_total",
    "Reminders that were decided about, and those that were settled.",
    {"step": ReminderStep, "outcome": ReminderState},
)
DIGESTS: Final[Counter[DigestKind, DigestOutcome]] = Counter(
    "evaluator_bot_digests_total",
    "Digests that were decided about.",
    {"kind": DigestKind, "outcome": DigestOutcome},
)
WEBHOOKS: Final[Counter[WebhookOutcome]] = Counter(
    "evaluator_bot_webhook_total", "Attempts to deliver an event to a webhook.", {"outcome": WebhookOutcome}
)
WEBHOOK_WAITING: Final[Gauge[()]] = Gauge("evaluator_bot_webhook_waiting", "Events that wait for their webhook.")
OPEN_INCIDENTS: Final[Gauge[IncidentSource]] = Gauge(
    "evaluator_bot_trouble", "1 while the admins know of a problem of this kind.", {"kind": IncidentSource}
)
LOOP_LAG: Final[Histogram[()]] = Histogram(
    "evaluator_bot_loop_lag_seconds",
    "How much later than asked for the event loop woke up; looked at each second.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10),
)
DATABASE_SECONDS: Final[Histogram[DatabaseOperation]] = Histogram(
    "evaluator_bot_database_seconds",
    "How long transactions took, with the wait for their turn.",
    {"operation": DatabaseOperation},
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)

CATALOG: Final = tuple(each for each in dict(globals()).values() if isinstance(each, Metric))
