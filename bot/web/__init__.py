"""The few HTTP endpoints."""
