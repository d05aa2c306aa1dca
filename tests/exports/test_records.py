"""Records as CSV and as lines of JSON."""

import csv
import io
import json
from typing import Any

import pytest

from bot.domain.export_choices import ExportKind, RecordFormat
from bot.domain.exports import Customer, EvaluationRecord, HistoryRecord, Workspace, evaluation_record, history_record
from bot.domain.history import Kind
from bot.exports.records import write_head, write_records
from tests.builders import OPEN, entry, evaluation, license_

EMAILS = {"U0BO": "bo@vendor.example"}


def record(*, is_blocked: bool = False, owner: str | None = None, **overrides: Any) -> EvaluationRecord:  # noqa: ANN401  of the license
    seen = license_(**overrides)
    customer = Customer(license=seen, is_blocked=is_blocked)
    return evaluation_record(evaluation(license=seen, owner=owner), customer, OPEN, Workspace(emails=EMAILS))


def past(**details: str) -> HistoryRecord:
    customer = Customer(license=license_(), is_blocked=False)
    return history_record(7, entry(Kind.CONVERTED, actor="U0BO", **details), customer)


def table(*records: EvaluationRecord | HistoryRecord, kind: ExportKind, contacts: bool = False) -> str:
    head = write_head(kind, RecordFormat.CSV, contacts=contacts)
    return head + write_records(records, RecordFormat.CSV, contacts=contacts)


def test_the_columns_are_these() -> None:
    heads = [write_head(kind, RecordFormat.CSV, contacts=False).strip() for kind in ExportKind]
    assert heads == [
        (
            "evaluation_id,aliases,app_key,app_name,hosting,edition,site,company,country,region,started,ends,state,"
            "first_seen,owner_slack_id,owner_email,done,not_for_us,not_for_us_reason,upgrade_to,opportunity_size,partner,"
            "flags,card_url,may_email_answer,may_email_reason"
        ),
        "evaluation_id,app_key,company,template,state,at,settled_at,sender,bounced,legal_basis",
        "evaluation_id,app_key,company,at,kind,actor,details",
    ]


def test_a_table_ends_its_lines_as_rfc_4180_says_and_quotes_what_needs_it() -> None:
    text = table(record(company='Acme, "the" one\nand only'), kind=ExportKind.EVALUATIONS)
    assert text.endswith("\r\n")
    assert '"Acme, ""the"" one\nand only"' in text
    head, row = csv.reader(io.StringIO(text, newline=""))
    found = dict(zip(head, row, strict=True))
    assert found["company"] == 'Acme, "the" one\nand only'
    assert (found["started"], found["first_seen"]) == ("2026-11-20", "2026-11-23T12:00:00+00:00")
    assert (found["done"], found["owner_slack_id"], found["may_email_answer"]) == ("false", "", "yes")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begin: str) -> None:
    [_, row] = csv.reader(io.StringIO(table(record(company=f"{begin}1+1"), kind=ExportKind.EVALUATIONS), newline=""))
    assert f"'{begin}1+1" in row
    line = write_records([record(company=f"{begin}1+1")], RecordFormat.JSONL, contacts=False)
    assert json.loads(line)["company"] == f"{begin}1+1"


def test_lines_of_json_keep_lists_and_objects() -> None:
    lines = write_records([record(owner="U0BO"), record()], RecordFormat.JSONL, contacts=True).splitlines()
    found, unowned = map(json.loads, lines)
    assert (found["owner"], unowned["owner"]) == ({"slack_id": "U0BO", "email": "bo@vendor.example"}, None)
    assert found["aliases"] == ["E-1AA-2BB-3CC-4DD"]
    assert found["may_email"] == {"answer": "yes", "reason": None}
    assert found["contact"] == {"name": "Ana Ash", "email": "ana@acme.example"}
    assert write_head(ExportKind.EVALUATIONS, RecordFormat.JSONL, contacts=True) == ""


def test_contacts_are_columns_of_their_own_if_they_are_asked_for() -> None:
    asked = table(record(), record(is_blocked=True), kind=ExportKind.EVALUATIONS, contacts=True).splitlines()
    assert [line.rpartition(",may_email_reason")[2] for line in asked[:1]] == [",contact_name,contact_email"]
    assert [line.split(",")[-2:] for line in asked[1:]] == [["Ana Ash", "ana@acme.example"], ["", ""]]
    for format_ in RecordFormat:
        assert "contact" not in write_records([record()], format_, contacts=False).lower()


def test_details_are_json_in_a_cell() -> None:
    [_, row] = csv.reader(io.StringIO(table(past(type="COMMERCIAL"), past(), kind=ExportKind.HISTORY)).readlines()[:2])
    assert json.loads(row[-1]) == {"type": "COMMERCIAL"}
    assert table(past(), kind=ExportKind.HISTORY).endswith("converted,U0BO,\r\n")
