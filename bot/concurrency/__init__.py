"""Tasks, locks and rates that know nothing of this bot."""
