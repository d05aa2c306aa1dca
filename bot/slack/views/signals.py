"""What an app said of itself, in words, and the card of an installation whose license is not known yet."""

from datetime import datetime
from typing import Final

from bot.domain.app_signal import EarlyEnd, EarlyInstall, SignalKind
from bot.domain.history import AppSignalled, LicenseFollowed
from bot.slack.text import escape, moment, span

_SIGNALS: Final = {
    SignalKind.INSTALLED: ":satellite_antenna: The app was installed on their site",
    SignalKind.UNINSTALLED: ":satellite_antenna: The app was uninstalled from their site",
    SignalKind.ENABLED: ":satellite_antenna: The app was enabled on their site",
    SignalKind.DISABLED: ":satellite_antenna: The app was disabled on their site",
    SignalKind.LICENSE: ":satellite_antenna: The app's license changed on their site",
}
"""The report may say it hours later, or not at all."""


def signal_sentence(fact: AppSignalled | LicenseFollowed, at: datetime) -> str:
    """Return mrkdwn that says what the app said, or that the license came at this time."""
    match fact:
        case AppSignalled(what=what, signalled_at=signalled_at):
            when = "" if signalled_at is None else f", {moment(signalled_at)}"
            return f"{_SIGNALS[what]}{when}."
        case LicenseFollowed(installed_at=installed_at):
            later = "" if installed_at is None else f", {span(at - installed_at)} after the installation"
            return f":page_facing_up: The report has the license now{later}. The card shows the contact."


def early_lines(early: EarlyInstall) -> list[str]:
    """Return the lines of the card of an installation without a license."""
    installed = f"Installed {moment(early.at)}"
    said = {
        None: f":satellite_antenna: *{installed}*; the license follows, usually within a day.",
        EarlyEnd.UNINSTALLED: f":satellite_antenna: {installed}, then *uninstalled*. No license came in between.",
        EarlyEnd.NO_LICENSE: f":satellite_antenna: {installed}; *no license followed*.",
    }[early.end]
    return [said, f":globe_with_meridians: {escape(early.place)}"]
