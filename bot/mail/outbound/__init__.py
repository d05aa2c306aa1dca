"""Compose an email, sign it and hand it to the mail server."""
