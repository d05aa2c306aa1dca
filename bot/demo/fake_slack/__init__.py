"""A small Slack on loopback, strict where Slack is strict."""

from bot.demo.fake_slack.models import BOT_USER, CHANNEL, Message, NotAcknowledged, NotPossible, SlackSecrets, View
from bot.demo.fake_slack.server import Workspace

__all__ = ["BOT_USER", "CHANNEL", "Message", "NotAcknowledged", "NotPossible", "SlackSecrets", "View", "Workspace"]
