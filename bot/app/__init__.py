"""Build the bot, run it and stop it in order."""
