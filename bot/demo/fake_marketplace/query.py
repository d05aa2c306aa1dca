"""Filter the demo's report by a query, and choose the fields it shows."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from aiohttp import web
from multidict import MultiMapping

from bot.demo.scenario.sample_data import Record

INSIGHTS = (
    "attribution",
    "evaluationOpportunitySize",
    "evaluationLicense",
    "daysToConvertEval",
    "evaluationStartDate",
    "evaluationEndDate",
    "evaluationSaleDate",
    "parentProductName",
    "parentProductEdition",
    "parentProductBillingCycle",
    "installedOnSandbox",
)
"""Fields that come only with `withDataInsights=true`."""
LICENSE_TYPES = (
    "academic commercial demonstration evaluation net_new_evaluation upgrade_evaluation open_source starter free "
    "classroom legacy_free"
).split()


def asked_for(query: MultiMapping[str], records: Iterable[Record]) -> list[Record]:
    """Return the records that pass every filter, in their order. A value that makes no sense gets a 400."""
    tests = _filters(query)
    return [record for record in records if all(test(record) for test in tests)]


def departures_asked_for(query: MultiMapping[str], rows: Iterable[Record]) -> list[Record]:
    """Return the rows about customers who left that pass every filter. Both days count."""
    kinds = set(query.getall("type", []))
    if not kinds <= {"disable", "uninstall", "unsubscribe"}:
        raise bad("type", "Must be a ChurnType")
    first, last = _day(query, "startDate"), _day(query, "endDate")
    return [
        row
        for row in rows
        if first <= row["date"] and (not last or row["date"] <= last) and (not kinds or row["feedbackType"] in kinds)
    ]


def quotes_asked_for(query: MultiMapping[str], rows: Iterable[Record]) -> list[Record]:
    """Return the accepted quotes that pass every filter. Both days count."""
    first, last = _day(query, "acceptedStartDate"), _day(query, "acceptedEndDate")
    return [row for row in rows if first <= row["acceptedDate"][:10] and (not last or row["acceptedDate"][:10] <= last)]


def shown(query: MultiMapping[str], records: Iterable[Record]) -> list[Record]:
    """Return the records with the requested fields."""
    hidden = () if query.get("withDataInsights") == "true" else INSIGHTS
    return [{name: value for name, value in record.items() if name not in hidden} for record in records]


def _filters(query: MultiMapping[str]) -> Sequence[Callable[[Record], bool]]:
    since, start, end = (_day(query, name) for name in ("lastUpdated", "startDate", "endDate"))
    if query.get("dateType", "start") not in {"start", "end"}:
        raise bad("dateType", "Must be one of start, end")
    asked = set(query.getall("licenseType", []))
    if not asked <= set(LICENSE_TYPES):
        raise bad("licenseType", f"Must be one of {', '.join(LICENSE_TYPES)}")
    types = {name.upper() for name in asked}
    atlassian = query.get("includeAtlassianLicenses") == "true"
    # "end" really asks whether the maintenance period overlaps the window.
    latest = "maintenanceEndDate" if query.get("dateType") == "end" else "maintenanceStartDate"
    return [
        lambda record: atlassian or record.get("licenseSourceType") != "Atlassian",
        lambda record: record.get("lastUpdated", "") >= since,
        lambda record: record.get(latest, "") >= start,
        lambda record: not end or record.get("maintenanceStartDate", "") <= end,
        lambda record: not types or record["licenseType"] in types,
    ]


def _day(query: MultiMapping[str], name: str) -> str:
    """Return a day as written, which compares like a date; empty if missing."""
    written = query.get(name, "")
    try:
        return date.fromisoformat(written).isoformat() if written else ""
    except ValueError as exc:
        raise bad(name, "Must be a date") from exc


def bad(name: str, message: str) -> web.HTTPBadRequest:
    """Return the answer to a value that makes no sense, as the Marketplace words it."""
    text = json.dumps({"errors": [{"path": name, "message": message}]})
    return web.HTTPBadRequest(text=text, content_type="application/json")
