"""The distinct values of an indexed column, one lookup for each: `SELECT DISTINCT` would read every row."""

from typing import Any

from sqlalchemy import CTE, Column, func, select


def distinct_values(column: Column[Any]) -> CTE:
    """Return the values as a table with the column `value`. Its last value is NULL."""
    values = select(func.min(column).label("value")).where(column.is_not(None)).cte("found", recursive=True)
    following = column.table.alias().c[column.name]
    smallest = select(func.min(following)).where(following > values.c.value).correlate(values).scalar_subquery()
    return values.union_all(select(smallest).where(values.c.value.is_not(None)))
