"""Compose an email, sign it, hand it to the mail server."""
