"""Queued and sent emails, and the policy check inside each transaction."""
