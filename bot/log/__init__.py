"""Logging, and redaction of what must not be logged."""
