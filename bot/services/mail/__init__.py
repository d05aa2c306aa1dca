"""Draft, queue and send the emails that people request."""
