"""Every error that the bot raises on purpose; its class says what the caller should do.

BotError
├── SettingsWrong               mend the settings, start again
│   └── SettingsMissing         some are not set; those that are can be used
├── MarketplaceError
│   ├── MarketplaceUnavailable  wait, the next poll tries again
│   ├── TokenRefused            401: a person must make a new API token
│   ├── PermissionMissing       403: a person must give the account a permission
│   ├── ApiGone                 410: a person must update the bot
│   ├── RequestRefused          the Marketplace did not understand the question
│   ├── AnswerUnreadable        the answer is not the report
│   └── ExportFailed            there is no export to be had; read the report page by page
├── SlackError
│   ├── SlackUnavailable        nothing was taken; wait, then try again
│   ├── SlackOutcomeUnknown     nobody can say whether it was done; look before trying again
│   │   └── SlackSilent         no answer came at all: it may still be done later, so look after a longer pause
│   └── SlackRefused            Slack said no, with its own code
├── MailError
│   ├── MailRefused             the server will not take this mail
│   │   └── AddressRefused      there is nobody at this address: do not write to it again
│   ├── MailDeferred            the server says: later
│   ├── MailSetupWrong          login, TLS or connection; a person must mend it
│   └── MailOutcomeUnknown      the mail may or may not have gone; a person decides
├── TemplateWrong               a mail template cannot be used; names the file and the place
├── FileWrong                   a file that somebody gave cannot be used; names the lines
├── CardUnknown                 it is not known which evaluation this card shows; tell who pressed
├── NotAllowed                  this person may not do this; tell them
├── ReportPutOff                a mail that came back could not be taken in: the mail server should bring it again
├── InteractionUnreadable       what Slack sent makes no sense here; tell the person that nothing was done
└── StoreError                  the database cannot be used; the sentence says why
    ├── DatabaseUrlWrong        DATABASE_URL leads nowhere; fix it, start again
    ├── StoreUnavailable        it is busy, full or away: what was asked may work later
    │   └── DatabaseBusy        another program or copy holds it: try again later
    └── LeaseLost               another copy leads: write nothing and send nothing more

The text of an error is a sentence for the person who runs the bot. It never holds an address or a token.
"""

from collections.abc import Sequence


class BotError(Exception):
    """Something the bot knows how to name."""


class SettingsWrong(BotError):
    """Settings are missing or unusable; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class SettingsMissing(SettingsWrong):
    """Settings are missing, and nothing is wrong with the others."""


class MarketplaceError(BotError):
    """The report could not be read."""


class MarketplaceUnavailable(MarketplaceError):
    """The Marketplace did not answer, or said to come back later."""


class TokenRefused(MarketplaceError):
    """The Marketplace refused the account or its token (401)."""


class PermissionMissing(MarketplaceError):
    """The account may not read this vendor's report (403)."""


class ApiGone(MarketplaceError):
    """This version of the Marketplace API was switched off (410)."""


class RequestRefused(MarketplaceError):
    """The Marketplace refused the request itself (other 4xx)."""


class AnswerUnreadable(MarketplaceError):
    """The answer was HTML, was not JSON, or did not have the shape of the report."""


class ExportFailed(MarketplaceError):
    """The Marketplace does not export the report as a whole."""


class SlackError(BotError):
    """Slack did not do what was asked."""


class SlackUnavailable(SlackError):
    """Slack took nothing; `retry_after` seconds from now it may."""

    def __init__(self, sentence: str, *, retry_after: float) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class SlackOutcomeUnknown(SlackError):
    """The request went out and no answer came back: Slack may have acted on it."""


class SlackSilent(SlackOutcomeUnknown):
    """No answer came in time, or the connection broke: what was asked may show up late."""


class SlackRefused(SlackError):
    """Slack answered `ok: false`; `code` is Slack's own word for why, `needed` are scopes that the app lacks."""

    def __init__(self, sentence: str, *, code: str, needed: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.needed = tuple(needed)


class MailError(BotError):
    """The mail was not handed over."""


class MailRefused(MailError):
    """The server will not take this mail; trying again does not help."""


class AddressRefused(MailRefused):
    """The server says of the address itself that no mail can reach it: a hard bounce."""


class MailDeferred(MailError):
    """The server did not take the mail now and may later; nothing was sent."""


class MailSetupWrong(MailError):
    """The server cannot be reached, or login or encryption failed; nothing was sent."""


class MailOutcomeUnknown(MailError):
    """The connection broke after the mail was handed over: it may have gone."""


class TemplateWrong(BotError):
    """A mail template cannot be used."""


class FileWrong(BotError):
    """A file that somebody gave cannot be used."""


class CardUnknown(BotError):
    """Nobody can say which evaluation a card shows, so nothing is done."""


class NotAllowed(BotError):
    """Whoever pressed may not do this, or nobody can say whether they may."""


class InteractionUnreadable(BotError):
    """A press, a form or a command lacks something, or names what cannot be; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "Slack sent this in a form that the bot does not understand, so nothing was done. "
            "Please use the buttons of a card, or type /evaluators."
        )


class StoreError(BotError):
    """The database cannot be used as it is."""


class DatabaseUrlWrong(StoreError):
    """DATABASE_URL is no address of a database, or of one in a folder that is not there."""


class SecretKeyWrong(StoreError):
    """None of the keys in SECRET_KEY is the one that the database was written with."""


class StoreUnavailable(StoreError):
    """The database is busy, full, or cannot be reached; the same may work later."""


class DatabaseBusy(StoreUnavailable):
    """Another program, or another copy of the bot, holds the database: trying again later helps."""


class LeaseLost(StoreError):
    """Another copy of the bot leads, or may lead by now: this one must write nothing and send nothing."""


class ReportPutOff(BotError):
    """A mail that came back could not be taken in now; it must not be lost."""


TRY_LATER = (MarketplaceUnavailable, SlackUnavailable, MailDeferred, StoreUnavailable, LeaseLost, ReportPutOff)
"""What may pass without anybody's doing, or must not be lost until somebody has done something."""
