"""Deliver events to the vendor's own systems."""
