"""Put the bot together, run it, and end it in order."""
