"""SQL statements that are compiled once in a session, and not again for each of a thousand databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

_MANY = 5_000
"""More statements than there are."""


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    """Every engine uses one cache. Its keys hold the dialect, so all dialects of a class count as the same."""
    cache = LRUCache[object, object](_MANY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(DefaultDialect, "__hash__", lambda dialect: hash(type(dialect)))
        patch.setattr(Engine, "_compiled_cache", property(lambda _: cache, lambda *_: None), raising=False)
        yield
