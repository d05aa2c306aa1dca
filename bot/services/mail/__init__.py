"""Draft, queue and send the emails that people ask for."""
