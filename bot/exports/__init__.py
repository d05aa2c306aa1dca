"""Tables that people take out of the bot or bring into it."""
