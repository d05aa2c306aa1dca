"""Every error that the bot raises on purpose; its class says what the caller should do.

BotError
├── SettingsWrong               fix the settings, start again
│   └── SettingsMissing         some are not set; the others can be used
├── MarketplaceError
│   ├── MarketplaceUnavailable  wait, the next poll tries again
│   ├── TokenRefused            401: a person must create a new API token
│   ├── PermissionMissing       403: a person must grant the account a permission
│   ├── ApiGone                 410: a person must update the bot
│   ├── RequestRefused          the Marketplace did not understand the request
│   ├── AnswerUnreadable        the response is not the report
│   └── ExportFailed            no export is available; read the report page by page
├── SlackError
│   ├── SlackUnavailable        Slack accepted nothing; wait, then try again
│   ├── SlackOutcomeUnknown     the call may have taken effect; check before trying again
│   │   └── SlackSilent         no response arrived: the call may still take effect, so check after a longer pause
│   └── SlackRefused            Slack refused, with its own code
├── MailError
│   ├── MailRefused             the server will not accept this email
│   │   └── AddressRefused      the address does not exist: do not email it again
│   ├── MailDeferred            the server says: later
│   ├── MailSetupWrong          login, TLS or connection; a person must fix it
│   ├── MailboxUnavailable      the mailbox for replies does not answer; wait, then connect again
│   ├── MailboxRefused          login or folder: a person must fix it
│   ├── DnsUnavailable          the DNS does not answer; the same question may be answered later
│   └── MailOutcomeUnknown      the email may or may not have been sent; a person decides
├── TemplateWrong               a mail template cannot be used; names the file and the place
├── FileWrong                   a file given by a person cannot be used; names the lines
│   └── TeamFileWrong           the team file: nothing of it was taken
├── CardUnknown                 it is not known which evaluation this card shows; tell the person who pressed
├── NotAllowed                  this person may not do this; tell them
├── ReportPutOff                a bounce could not be processed: the mail server should deliver it again
├── InteractionUnreadable       Slack sent something that makes no sense here; tell the person that nothing was done
└── StoreError                  the database cannot be used; the sentence says why
    ├── DatabaseUrlWrong        DATABASE_URL does not lead to a database; fix it, start again
    ├── SecretKeyWrong          no key in SECRET_KEY fits the database; fix it, start again
    ├── StoreUnavailable        it is busy, full or unreachable: the operation may work later
    │   └── DatabaseBusy        another program or copy holds it: try again later
    └── LeaseLost               another copy leads: write nothing and send nothing more

The text of an error is a sentence for the person who runs the bot. It never contains an address or a token.
"""

from collections.abc import Sequence


class BotError(Exception):
    """An error that the bot raises on purpose."""


class SettingsWrong(BotError):
    """Settings are missing or unusable; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class SettingsMissing(SettingsWrong):
    """Settings are missing, and the others are valid."""


class MarketplaceError(BotError):
    """The report could not be read."""


class MarketplaceUnavailable(MarketplaceError):
    """The Marketplace did not answer, or asked to come back later."""


class TokenRefused(MarketplaceError):
    """The Marketplace refused the account or its token (401)."""


class PermissionMissing(MarketplaceError):
    """The account may not read this vendor's report (403)."""


class ApiGone(MarketplaceError):
    """This version of the Marketplace API was switched off (410)."""


class RequestRefused(MarketplaceError):
    """The Marketplace refused the request itself (other 4xx)."""


class AnswerUnreadable(MarketplaceError):
    """The response was HTML, was not JSON, or did not have the shape of the report."""


class ExportFailed(MarketplaceError):
    """The Marketplace does not export the report as a whole."""


class SlackError(BotError):
    """A Slack call did not succeed."""


class SlackUnavailable(SlackError):
    """Slack accepted nothing; it may after `retry_after` seconds."""

    def __init__(self, sentence: str, *, retry_after: float) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class SlackOutcomeUnknown(SlackError):
    """The request was sent and no usable response came back: Slack may have acted on it."""


class SlackSilent(SlackOutcomeUnknown):
    """No response arrived in time, or the connection broke: the call may take effect late."""


class SlackRefused(SlackError):
    """Slack answered `ok: false`; `code` is Slack's own error code, `needed` are scopes that the app lacks."""

    def __init__(self, sentence: str, *, code: str, needed: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.needed = tuple(needed)


class MailError(BotError):
    """The email was not handed over."""


class MailRefused(MailError):
    """The server will not accept this email; trying again does not help."""


class AddressRefused(MailRefused):
    """The server says that the address itself does not exist: a hard bounce."""


class MailDeferred(MailError):
    """The server did not accept the email now, and may later; nothing was sent."""


class MailSetupWrong(MailError):
    """The server cannot be reached, or login or encryption failed; nothing was sent."""


class MailboxUnavailable(MailError):
    """The mailbox for replies cannot be reached now, or the connection to it broke."""


class MailboxRefused(MailError):
    """The server of the mailbox for replies refused the login or the folder."""


class DnsUnavailable(MailError):
    """The DNS did not answer a question about the domain that sends."""


class MailOutcomeUnknown(MailError):
    """The connection broke after the email was handed over: it may have been sent."""


class TemplateWrong(BotError):
    """A mail template cannot be used."""


class FileWrong(BotError):
    """A file given by a person cannot be used."""


class TeamFileWrong(FileWrong):
    """A team file cannot be used; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class CardUnknown(BotError):
    """It is not known which evaluation a card shows, so nothing is done."""


class NotAllowed(BotError):
    """This person may not do this, or nobody can say whether they may. `ask` are the Slack ids of who can help."""

    def __init__(self, sentence: str, *, ask: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.ask = tuple(ask)


class InteractionUnreadable(BotError):
    """An interaction or a command lacks something, or names something impossible; nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "Slack sent this in a form that the bot does not understand, so nothing was done. "
            "Please use the buttons of a card, or type /evaluators."
        )


class HeartbeatFailed(BotError):
    """The monitoring service was not told how the last poll went."""


class ForgeTokenRefused(BotError):
    """A request does not prove that it comes from one of the vendor's Forge apps."""

    def __init__(self) -> None:
        super().__init__("This is no valid Forge Invocation Token of an app in FORGE_APPS.")


class ForgeKeysUnavailable(BotError):
    """The keys behind Forge Invocation Tokens cannot be fetched."""


class StoreError(BotError):
    """The database cannot be used as it is."""


class DatabaseUrlWrong(StoreError):
    """DATABASE_URL is not the address of a database, or its folder does not exist."""


class SecretKeyWrong(StoreError):
    """None of the keys in SECRET_KEY is the one that the database was written with."""


class StoreUnavailable(StoreError):
    """The database is busy, full, or cannot be reached; the same operation may work later."""


class DatabaseBusy(StoreUnavailable):
    """Another program, or another copy of the bot, holds the database: trying again later helps."""


class LeaseLost(StoreError):
    """Another copy of the bot leads, or may lead by now: this copy must write nothing and send nothing."""


class ReportPutOff(BotError):
    """A bounce could not be processed now; it must not be lost."""


TRY_LATER = (MarketplaceUnavailable, SlackUnavailable, MailDeferred, StoreUnavailable, LeaseLost, ReportPutOff)
"""Errors that may pass without intervention, or whose input must not be lost until a person intervenes."""
