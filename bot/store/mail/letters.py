"""A queued email: its content, encrypted in the database, and how it was requested, held, claimed,
canceled, settled.
"""
