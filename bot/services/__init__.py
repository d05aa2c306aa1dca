"""What the bot does, one story a module."""
