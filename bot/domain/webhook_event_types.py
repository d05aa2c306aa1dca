"""The types of events for the vendor's own systems."""

from enum import StrEnum


class EventType(StrEnum):
    """What happened, as receivers read it."""

    EVALUATION_STARTED = "evaluation.started"
    EVALUATION_UPDATED = "evaluation.updated"
    EVALUATION_EXTENDED = "evaluation.extended"
    EVALUATION_CONVERTED = "evaluation.converted"
    EVALUATION_ENDED = "evaluation.ended"
    EVALUATION_REOPENED = "evaluation.reopened"
    EVALUATION_MERGED = "evaluation.merged"
    OWNER_CHANGED = "evaluation.owner_changed"
    MAIL_SENT = "mail.sent"
    MAIL_BOUNCED = "mail.bounced"
    MAIL_REPLIED = "mail.replied"
    FEEDBACK_RECEIVED = "feedback.received"
    QUOTE_ACCEPTED = "quote.accepted"
    APP_UNINSTALLED = "app.uninstalled"
    DNC_ADDED = "do_not_contact.added"
    DNC_LIFTED = "do_not_contact.lifted"
    PERSON_ERASED = "person.erased"
    PING = "ping"
    """Sent by `webhook ping` alone."""
