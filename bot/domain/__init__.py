"""Decisions and the words they are made in: no I/O, no clock, no settings, no logging."""
