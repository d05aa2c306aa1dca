"""A value that an option cannot take is answered with a sentence."""

import pytest

from tests.cli.conftest import Run

WRONG = {
    "report --format xml": "Invalid value for '--format': xml is not one of csv, json.",
    "report sources": "Invalid value for 'kind': sources is not one of conversion, speed, team.",
    "report --since yesterday": "Invalid value for '--since': yesterday is not a day. Write it like 2026-12-31.",
    "export history --format xml": "Invalid value for '--format': xml is not one of csv, jsonl.",
    "export history --since 12/31": "Invalid value for '--since': 12/31 is not a day. Write it like 2026-12-31.",
    "dnc add ana@acme.example --reason angry": "Invalid value for '--reason': angry is not one of unsubscribed, "
    "complained, legal, asked, team, bounced, paused.",
    "dnc add ana@acme.example --reason erased": "Invalid value for '--reason': erased cannot be set by hand. "
    "Use `evaluator-bot erase`.",
    "render welcome --evaluation Acme": "Invalid value for '--evaluation': Acme is not a whole number.",
    "demo --speed quick": "Invalid value for '--speed': quick is not a number.",
    "demo --speed 0": "Invalid value for '--speed': 0 is too small. The least is 0.1.",
}


@pytest.mark.parametrize(("line", "words"), WRONG.items())
def test_a_value_that_cannot_be_used_is_named_with_what_to_write_instead(bare: Run, line: str, words: str) -> None:
    done = bare(*line.split())
    assert (done.code, done.out, done.err.splitlines()[-1]) == (2, "", f"Error: {words}")
