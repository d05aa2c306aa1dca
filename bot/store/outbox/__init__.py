"""The Slack outbox: what is owed, what goes next, what became of it."""
