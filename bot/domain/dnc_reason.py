"""Why somebody must not be contacted, and how strong each reason is."""

from enum import StrEnum
from typing import Final


class DncReason(StrEnum):
    """Why somebody must not be emailed."""

    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"
    ERASED = "erased"
    LEGAL = "legal"
    FORGOTTEN = "forgotten"
    """They used their right to be forgotten at Atlassian: RTBF in the report."""
    ASKED = "asked"
    TEAM = "team"
    BOUNCED = "bounced"
    PAUSED = "paused"

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return _WORDS[self]

    @property
    def strength(self) -> int:
        """Of several active entries, the one with the strongest reason is shown."""
        return _STRENGTH[self]

    @property
    def is_final(self) -> bool:
        """Whether an entry with this reason can never be lifted."""
        return self in {DncReason.FORGOTTEN, DncReason.ERASED}


_WORDS: Final = {
    DncReason.UNSUBSCRIBED: "They unsubscribed",
    DncReason.COMPLAINED: "They complained",
    DncReason.ERASED: "Their data was erased at their request",
    DncReason.LEGAL: "Legal reasons",
    DncReason.FORGOTTEN: "They asked Atlassian to be forgotten",
    DncReason.ASKED: "They asked us not to email them",
    DncReason.TEAM: "The team decided",
    DncReason.BOUNCED: "Emails to this address bounced",
    DncReason.PAUSED: "Emails to this address bounced several times; paused",
}
_STRENGTH: Final = {
    DncReason.UNSUBSCRIBED: 5,
    DncReason.COMPLAINED: 5,
    DncReason.ERASED: 5,
    DncReason.LEGAL: 4,
    DncReason.FORGOTTEN: 4,
    DncReason.ASKED: 3,
    DncReason.TEAM: 3,
    DncReason.BOUNCED: 2,
    DncReason.PAUSED: 1,
}
REASON_CHOICES: Final = (DncReason.ASKED, DncReason.COMPLAINED, DncReason.LEGAL, DncReason.TEAM)
"""The reasons a person can choose from."""
