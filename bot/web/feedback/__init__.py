"""Feedback: the page linked from our emails, the endpoints for apps, and the window for a vendor's own page."""
