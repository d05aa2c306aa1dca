"""Emails on their way, and the policy check inside each transaction."""
