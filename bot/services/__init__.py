"""What the bot does: one use case a module."""
