"""Tables that people export from the bot or import into it."""
