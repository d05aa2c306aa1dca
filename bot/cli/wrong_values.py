"""Say in plain words why the value of an option or argument cannot be used."""

import re
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup

_WORDS: Final = {
    "int_parsing": "{input} is not a whole number.",
    "float_parsing": "{input} is not a number.",
    "greater_than_equal": "{input} is too small. The least is {ge}.",
    "less_than_equal": "{input} is too large. The most is {le}.",
}


class PlainGroup(TyperGroup):
    """Commands whose complaints about a value read as a person would write them, not as Pydantic does."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  typer's own context; what the command returns
        """Run the command. Raises BadParameter if a value cannot be used."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as exc:
            from pydantic import ValidationError

            if isinstance(exc.__cause__, ValidationError):
                [error, *_] = exc.__cause__.errors()
                exc.message = _plain(error["type"], error["input"], error.get("ctx", {})) or exc.message
            raise


def _plain(kind: str, given: object, known: Mapping[str, object]) -> str | None:
    """Return what is wrong in our words, or None if we have none for this kind of error."""
    if kind == "value_error":
        return re.sub(r"'(.*?)'", r"\1", str(known["error"]))
    words = _WORDS.get(kind)
    return words and words.format(input=given, **known)
