"""Do-not-contact entries and what they cover."""
