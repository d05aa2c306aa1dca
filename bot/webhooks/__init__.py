"""Requests to the vendor's own systems: signed, never to a private address unless that is allowed."""
