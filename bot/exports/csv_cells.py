"""Cells of a CSV table that no spreadsheet takes for a formula."""

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""Characters with which a spreadsheet starts a formula: owasp.org/www-community/attacks/CSV_Injection."""


def escape_formula(cell: str) -> str:
    """Put an apostrophe before a formula, and before an existing apostrophe, so that reading it back is unambiguous."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def unescape_formula(cell: str) -> str:
    """Return the cell as it was before `escape_formula`."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
