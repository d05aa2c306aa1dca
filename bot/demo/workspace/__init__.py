"""A small Slack on loopback, strict where Slack is strict."""

from bot.demo.workspace.state import BOT_USER, CHANNEL, Keys, Message, NotAcknowledged, NotPossible, View
from bot.demo.workspace.workspace import Workspace

__all__ = ["BOT_USER", "CHANNEL", "Keys", "Message", "NotAcknowledged", "NotPossible", "View", "Workspace"]
