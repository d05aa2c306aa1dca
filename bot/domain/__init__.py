"""Decisions and the values they are made of. No I/O, no clock, no settings, no logging."""
