"""Monitor the bot itself: alerts, health, the setup check."""
