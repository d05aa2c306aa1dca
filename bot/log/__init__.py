"""Logging, and what must never stand in a log."""
