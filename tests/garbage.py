"""Garbage collection that leaves out what stays until the end: thousands of tests, modules and their fixtures."""

import gc

import pytest


def pytest_sessionstart(session: pytest.Session) -> None:
    """Look for no garbage while modules are imported and tests collected."""
    if not session.config.pluginmanager.has_plugin("dsession"):  # xdist's own process collects nothing
        gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """From now on look only at what the tests make."""
    gc.freeze()
    gc.enable()
