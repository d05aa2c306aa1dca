"""The values of labels. Each list is closed, so no label can carry a person, a company or a channel."""

from enum import StrEnum

from bot.domain.outbox import DeliveryKind


class AppKey(str):
    """The key of one of the vendor's apps. The registry shows at most fifty, and `other` for the rest."""

    __slots__ = ()


class Version(str):
    """A fact about this program that stays the same while it runs."""

    __slots__ = ()


class LeadReason(StrEnum):
    """Why this copy began to lead."""

    START = "start"
    TAKEOVER = "takeover"
    """The copy before it stopped renewing the lease."""
    HANDOVER = "handover"
    """The copy before it ended in order."""


class PollKind(StrEnum):
    """What a poll reads."""

    POLL = "poll"
    SWEEP = "sweep"


class PollResult(StrEnum):
    """How a poll ended."""

    GOOD = "good"
    REFUSED = "refused"
    """Atlassian refused the token or its permissions, or took the API back."""
    FAILED = "failed"
    PARTIAL = "partial"
    """It broke off after some rows were read."""


class RowResult(StrEnum):
    """What a row of the report brought."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    QUARANTINED = "quarantined"


class EvaluationEvent(StrEnum):
    """What happened to an evaluation, as the report says."""

    STARTED = "started"
    EXTENDED = "extended"
    CONVERTED = "converted"
    ENDED = "ended"


class MessageKind(StrEnum):
    """What a delivery brings: a card, a line in its thread, or another message."""

    CARD = "card"
    NOTE = "note"
    MESSAGE = "message"

    @classmethod
    def of(cls, kind: DeliveryKind) -> "MessageKind":
        """Return what a delivery of this kind brings."""
        return {DeliveryKind.CARD: cls.CARD, DeliveryKind.NOTE: cls.NOTE}.get(kind, cls.MESSAGE)


class DeliveryOutcome(StrEnum):
    """What became of a delivery."""

    DONE = "done"
    SHORTENED = "shortened"
    """It is in Slack, without what was too long."""
    GIVEN_UP = "given_up"
    LOOKED_UP = "looked_up"
    """Its outcome was unknown, and it was found in Slack."""


class SlackAnswer(StrEnum):
    """How Slack answered a request."""

    OK = "ok"
    RATELIMITED = "ratelimited"
    ERROR = "error"
    TIMEOUT = "timeout"


class SlackMethod(StrEnum):
    """The methods of Slack's Web API that the bot calls."""

    APPS_CONNECTIONS_OPEN = "apps.connections.open"
    AUTH_TEST = "auth.test"
    BOTS_INFO = "bots.info"
    CHAT_DELETE = "chat.delete"
    CHAT_POST_EPHEMERAL = "chat.postEphemeral"
    CHAT_POST_MESSAGE = "chat.postMessage"
    CHAT_UPDATE = "chat.update"
    CONVERSATIONS_HISTORY = "conversations.history"
    CONVERSATIONS_INFO = "conversations.info"
    CONVERSATIONS_MEMBERS = "conversations.members"
    CONVERSATIONS_REPLIES = "conversations.replies"
    USERGROUPS_USERS_LIST = "usergroups.users.list"
    USERS_INFO = "users.info"
    VIEWS_OPEN = "views.open"
    VIEWS_PUBLISH = "views.publish"
    VIEWS_UPDATE = "views.update"
    OTHER = "other"


class PressKind(StrEnum):
    """What a person did in Slack."""

    ACTION = "action"
    COMMAND = "command"
    VIEW = "view"
    SHORTCUT = "shortcut"
    EVENT = "event"


class EmailOutcome(StrEnum):
    """What became of an email."""

    SENT = "sent"
    REFUSED = "refused"
    """The mail server refused it for good."""
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNKNOWN = "unknown"
    """The connection broke while it was sent."""
    UNDONE = "undone"


class GateAnswer(StrEnum):
    """What the email policy answered when an email was queued or about to be sent."""

    ALLOWED = "allowed"
    CONFIRMED = "confirmed"
    """Allowed on the legal basis that the sender named."""
    REFUSED = "refused"


class GateReason(StrEnum):
    """Why the email policy refused: the names of `bot.domain.mail_policy.RefusalReason`, and those of
    `bot.domain.mail.Overtaken` for email that was stopped while it waited.
    """

    NONE = "none"
    NOT_SET_UP = "not_set_up"
    NO_TEMPLATE = "no_template"
    NO_CONTACT = "no_contact"
    FORGOTTEN = "forgotten"
    MALFORMED = "malformed"
    DO_NOT_CONTACT = "do_not_contact"
    ATLASSIAN = "atlassian"
    SANDBOX = "sandbox"
    CONVERTED = "converted"
    GRANTED = "granted"
    OVER = "over"
    COUNTRY = "country"
    QUEUED = "queued"
    SENT = "sent"
    ANSWERED = "answered"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ANOTHER = "another"
    TOO_SOON = "too_soon"
    NO_LAWFUL_BASIS = "no_lawful_basis"
    NO_WORDS = "no_words"
    TOO_LATE = "too_late"
    LEFT = "left"
    QUOTE = "quote"


class InboundSource(StrEnum):
    """Where something came in from outside."""

    IMAP = "imap"
    FEEDBACK = "feedback"
    SIGNAL = "signal"
    BOUNCE = "bounce"
    UNINSTALL = "uninstall"
    QUOTE = "quote"


class InboundResult(StrEnum):
    """What became of something that came in."""

    HANDLED = "handled"
    IGNORED = "ignored"
    """It is not about anything that the bot knows, or was handled before."""
    REFUSED = "refused"
    """It is not signed, or the signature is wrong or too old."""
    FAILED = "failed"


class DigestOutcome(StrEnum):
    """What became of a digest."""

    SENT = "sent"
    EMPTY = "empty"
    """It had nothing to say, or may have come before a restore, so it was left out."""


class WebhookOutcome(StrEnum):
    """What became of an attempt to deliver an event to a webhook."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    SWITCHED_OFF = "switched_off"
    """The receiver answered 410, or everything failed for days."""


class DatabaseOperation(StrEnum):
    """The classes of transactions."""

    READ = "read"
    WRITE = "write"
