"""The setting of the pages that may send feedback."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

_ORIGIN: Final = re.compile(r"https://[^\s/?#@*]+|http://(127\.0\.0\.1|localhost)(:\d+)?", re.ASCII)
"""An origin as browsers send it: without a path, and never a pattern."""


def _listed(value: object) -> object:
    """Split a list at commas or spaces. A list without an entry is rejected."""
    parts = tuple(filter(None, re.split(r"[\s,]+", value))) if isinstance(value, str) else ()
    return parts or value


def _origin(value: str) -> str:
    """Return an origin in the spelling of browsers. Raises ValueError for other text."""
    origin = value.rstrip("/").lower()
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("not the origin of a page")
    return origin


class FeedbackSettings(BaseModel):
    """Who may send feedback from a browser."""

    feedback_origins: Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], BeforeValidator(_listed)] = Field(
        (),
        description="origins like https://app.your-company.example with commas between: pages that may send feedback",
    )
