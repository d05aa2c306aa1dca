"""What the guide tells receivers holds."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from bot.domain.webhook_event_types import EventType
from bot.security.webhook_signature import sign, signing_key
from tests.webhooks.test_client import NEW, OLD

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
BODY = '{"company":"Müller"}'


def code(language: str) -> str:
    """The longest block of this language."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.+?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return max(blocks, key=len)


def headers(secret: str, *, at: int) -> dict[str, str]:
    signed = sign(signing_key(secret), "msg_7", at, BODY.encode())
    return {"webhook-id": "msg_7", "webhook-timestamp": str(at), "webhook-signature": f"v1,AAAA {signed}"}


VERIFIES = [True, False, False]


def cases() -> list[dict[str, str]]:
    """Headers that verify, those of another secret, and old ones, by the present time: the guide looks at it."""
    now = int(time.time())
    return [headers(NEW, at=now), headers(OLD, at=now), headers(NEW, at=now - 400)]


def test_the_table_has_every_type_of_event() -> None:
    first_cells = " ".join(re.findall(r"^\| (.+?) \|", GUIDE.partition("\n## Events\n")[2], re.MULTILINE))
    assert set(re.findall(r"`([a-z_.]+)`", first_cells)) == {each.value for each in EventType}


def test_the_python_of_the_guide_verifies() -> None:
    names: dict[str, object] = {}
    exec(code("python"), names)  # noqa: S102  it is ours
    is_ours = names["is_ours"]
    assert callable(is_ours)
    assert [is_ours(given, BODY.encode(), NEW) for given in cases()] == VERIFIES


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_the_javascript_of_the_guide_verifies() -> None:
    call = f"{json.dumps(cases())}.map((each) => isOurs(each, Buffer.from({json.dumps(BODY)}), {json.dumps(NEW)}))"
    script = f"{code('js')}\nconsole.log(JSON.stringify({call}))"
    done = subprocess.run(["node", "-e", script], check=True, capture_output=True)  # noqa: S603, S607  ours
    assert json.loads(done.stdout) == VERIFIES
