"""What happened to an evaluation, one entry for each fact. Entries are only ever added.

A fact holds no personal data: it outlives the contact it is about, and its line in Slack cannot be unsaid. What people
wrote is stored elsewhere, where it can be erased, and is only read with the fact.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Final

from bot.domain.app_signal import SignalKind
from bot.domain.departure import DepartureKind
from bot.domain.dnc_reason import DncReason
from bot.domain.evaluation import Disposition, NotForUsReason, State
from bot.domain.feedback import FeedbackMessage
from bot.domain.mail import LawfulBasis
from bot.domain.note import Note
from bot.domain.replies import Reply
from bot.domain.rotation import AssignmentRule, Unavailable


class Kind(StrEnum):
    """The facts of an evaluation's life: from the report, the team, and the mail server."""

    STARTED = "started"
    EXTENDED = "extended"
    CORRECTED = "corrected"
    CONVERTED = "converted"
    ENDED = "ended"
    REOPENED = "reopened"
    CONTACT_CHANGED = "contact_changed"
    ENRICHED = "enriched"
    MERGED = "merged"
    ASSIGNED = "assigned"
    RELEASED = "released"
    NOBODY_AVAILABLE = "nobody_available"
    MAIL_QUEUED = "mail_queued"
    MAIL_UNDONE = "mail_undone"
    MAIL_DEFERRED = "mail_deferred"
    MAIL_SENT = "mail_sent"
    MAIL_FAILED = "mail_failed"
    MAIL_REFUSED = "mail_refused"
    MAIL_UNKNOWN = "mail_unknown"
    MAIL_ARRIVED = "mail_arrived"
    MAIL_AGAIN = "mail_again"
    MAIL_BOUNCED = "mail_bounced"
    MAIL_REPLIED = "mail_replied"
    FEEDBACK_RECEIVED = "feedback_received"
    ANSWERED_IN_APP = "answered_in_app"
    DO_NOT_CONTACT = "do_not_contact"
    CONTACT_AGAIN = "contact_again"
    ERASED = "erased"
    NOTE_ADDED = "note_added"
    DONE = "done"
    NOT_FOR_US = "not_for_us"
    UNDONE = "undone"
    APP_SIGNALLED = "app_signalled"
    LICENSE_FOLLOWED = "license_followed"
    CUSTOMER_LEFT = "customer_left"
    QUOTE_ACCEPTED = "quote_accepted"


UNTOLD: Final = frozenset({Kind.STARTED, Kind.CORRECTED, Kind.MERGED})
"""Kinds that get no line in the thread because the card itself shows them."""
MAIL_KINDS: Final = frozenset(kind for kind in Kind if kind.startswith("mail_"))
"""Kinds about an email. The card shows the latest of them in the words of the thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """A trial started on this day."""

    kind: ClassVar = Kind.STARTED
    on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialExtended:
    """A trial ends later than it would have."""

    kind: ClassVar = Kind.EXTENDED
    to: date | None
    was: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatesCorrected:
    """The report gives other dates for a trial: each is `start/end`."""

    kind: ClassVar = Kind.CORRECTED
    to: str
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConverted:
    """The customer has a license now, of this type; `days` after the trial began, if known."""

    kind: ClassVar = Kind.CONVERTED
    license_type: str
    edition: str = ""
    tier: str = ""
    days: int | None = None
    upgrade: str = ""
    """The edition, if it was an upgrade trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded:
    """A trial is over without a purchase."""

    kind: ClassVar = Kind.ENDED
    how: State
    on: date | None = None
    upgrade: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReopened:
    """A trial that was over runs again."""

    kind: ClassVar = Kind.REOPENED
    to: date | None = None


class ContactNow(StrEnum):
    """The contact that the report names after a change."""

    NOBODY = "nobody"
    FORGOTTEN = "forgotten"
    ANOTHER = "another"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactReplaced:
    """The report names other contacts."""

    kind: ClassVar = Kind.CONTACT_CHANGED
    to: ContactNow


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsAdded:
    """The report tells more about the license: fields of `License`, with their values as text."""

    kind: ClassVar = Kind.ENRICHED
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """Two records turned out to be one license."""

    kind: ClassVar = Kind.MERGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The evaluation has a new owner. Both are Slack user ids."""

    kind: ClassVar = Kind.ASSIGNED
    owner: str
    was: str = ""
    rule: AssignmentRule | None = None
    """By which rule the bot chose them; None if a person did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The evaluation has no owner any more. Without an actor: the owner's account was deactivated."""

    kind: ClassVar = Kind.RELEASED
    was: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NobodyAvailable:
    """The bot chose no owner, because nobody of the rotation was available: each with the reason."""

    kind: ClassVar = Kind.NOBODY_AVAILABLE
    why: tuple[tuple[str, Unavailable], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEvent:
    """An email was queued, sent, cancelled …: `kind` is one of `MAIL_KINDS`. `error` is a sentence for people."""

    kind: Kind
    template: str
    mail: int | None = None
    """The email's id."""
    basis: LawfulBasis | None = None
    error: str = ""


class BounceMeaning(StrEnum):
    """What a returned email says."""

    GONE = "gone"
    """The address accepts no email."""
    LATER = "later"
    """The address may accept email again."""
    US = "us"
    """It was refused because of the sender."""
    COMPLAINT = "complaint"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailBounced:
    """An email came back; `status` is the code of RFC 3463, if there is one."""

    kind: ClassVar = Kind.MAIL_BOUNCED
    template: str
    status: str
    means: BounceMeaning


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyReceived:
    """A reply to one of our emails arrived. `message` is the key of its Message-ID, which no restore changes."""

    kind: ClassVar = Kind.MAIL_REPLIED
    message: str
    reply: Reply | None = None
    """None until it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackReceived:
    """Somebody wrote in the app, or on the page linked from an email."""

    kind: ClassVar = Kind.FEEDBACK_RECEIVED
    feedback_id: int | None
    feedback: FeedbackMessage | None = None
    """None until it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredInApp:
    """Somebody of the team answered in the app."""

    kind: ClassVar = Kind.ANSWERED_IN_APP
    feedback_id: int | None
    feedback: FeedbackMessage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DncAdded:
    """A contact was blocked. `entry_id` is that of the do-not-contact entry."""

    kind: ClassVar = Kind.DO_NOT_CONTACT
    reason: DncReason
    entry_id: int | None = None
    note: str | None = None
    """None until it was read from the do-not-contact entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DncLifted:
    """A contact was unblocked. `entry_id` is that of the do-not-contact entry."""

    kind: ClassVar = Kind.CONTACT_AGAIN
    entry_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """The contact was erased at their request."""

    kind: ClassVar = Kind.ERASED


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded:
    """Somebody wrote a note. Its line shows the note as it is now."""

    kind: ClassVar = Kind.NOTE_ADDED
    note_id: int | None
    note: Note | None = None
    """None until it was read."""


@dataclass(frozen=True, slots=True)
class CalledDone:
    """Somebody spoke to the customer elsewhere."""

    kind: ClassVar = Kind.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledNotForUs:
    """The team does not work on this evaluation. What the person wrote about it is a note."""

    kind: ClassVar = Kind.NOT_FOR_US
    reason: NotForUsReason
    note_id: int | None = None
    note: Note | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """An action of the team was undone."""

    kind: ClassVar = Kind.UNDONE
    what: Disposition


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSignalled:
    """The app said that it was installed, removed, enabled or disabled on the customer's site, at this time (UTC)."""

    kind: ClassVar = Kind.APP_SIGNALLED
    what: SignalKind
    signalled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseFollowed:
    """The report brought the license of an installation (UTC) whose card was posted early."""

    kind: ClassVar = Kind.LICENSE_FOLLOWED
    installed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerLeft:
    """The customer removed the app, and maybe said why: `reason` is one of Atlassian's sentences."""

    kind: ClassVar = Kind.CUSTOMER_LEFT
    left: DepartureKind
    reason: str = ""
    on: date | None = None
    departure_id: int | None = None
    has_words: bool = False
    """Whether somebody wrote more, which is still on record. False until that was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteAccepted:
    """The customer accepted a quote. What is not known is empty."""

    kind: ClassVar = Kind.QUOTE_ACCEPTED
    on: date | None
    starts: date | None = None
    users: str = ""
    edition: str = ""
    price: str = ""
    """Empty unless prices are shown."""
    reseller: str = ""
    """Not empty: somebody with another mail domain than the contacts made it."""


ReportedFact = (
    TrialStarted
    | TrialExtended
    | DatesCorrected
    | TrialConverted
    | TrialEnded
    | TrialReopened
    | ContactReplaced
    | DetailsAdded
    | Merged
)
"""What the report says, as against what people do."""
FollowUpFact = NoteAdded | CalledDone | CalledNotForUs | Undone
"""What the team did beside emailing."""
OwnerFact = Assigned | Released | NobodyAvailable
"""Who owns the evaluation, and why."""
AppFact = AppSignalled | LicenseFollowed | FeedbackReceived | AnsweredInApp
"""What the app said, and what was said in it."""
DepartureFact = CustomerLeft | QuoteAccepted
"""What the reports beside licenses say."""
MailFact = MailEvent | MailBounced | ReplyReceived
"""What became of an email."""
Fact = AppFact | DepartureFact | ReportedFact | FollowUpFact | OwnerFact | MailFact | DncAdded | DncLifted | Erased


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact: when (UTC), what, and who did it (Slack user id; None for the report and the contact themselves)."""

    at: datetime
    fact: Fact
    actor: str | None = None

    @property
    def kind(self) -> Kind:
        """What kind of fact it is."""
        return self.fact.kind
