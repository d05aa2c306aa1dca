"""What every payload of ours must be: taken by Slack, short enough, and free of links and mentions from outside.

The demo's Slack plays the strict one (Slack's own models, and a table of limits for what they miss); here is what
neither of them looks at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st
from slack_sdk.models.views import View

from bot.demo.fake_slack.validation import check_message, check_view
from bot.slack.blocks import Block, Message
from bot.slack.text import tame
from bot.slack.views.modals import Modal

WORKSPACE = "https://acme-makers.slack.com/"
USERS = ("U0ANA", "U0BO")
LAW = "https://law.example/act"
_OURS = re.compile(
    rf"@(?:{'|'.join(USERS)})|!date\^\d+\^{{date_short_pretty}} {{time}}\|[\d: -]+UTC|{WORKSPACE}\S+\|.+"
    rf"|{re.escape(LAW)}\|The law"
    r"|https://[a-z0-9-.]+(?:\.atlassian\.net|\.jira\.com)\|[a-z0-9-.]+"
    r"|https://marketplace\.atlassian\.com/plugins/[\w.%~-]+\|Listing"
    r"|https://marketplace\.atlassian\.com/manage/vendors/\d+/reporting/licenses\?text=[\w.%~-]+\|.+"
)
_MARKUP = re.compile(r"<([^>]*)>?")

NASTY = (
    "<!channel>",
    "<@U1>",
    "<https://evil.example|Acme>",
    "<#C1|general>",
    "<!subteam^S1>",
    "&lt;!here&gt;",
    "AT&amp;T",
    "*bold* ~gone~ `code` ```",
    "Acme\n\n> quoted\r\n",
    "\u202egnp.exe\u202c",
    "\u200b\u200d\ufeff",
    "\x00\x07\x1b[31m",
    "\ud800",
    "👩\u200d🚀 Räksmörgås 株式会社",
    "{0} {who} %s",
    "",
    " ",
)
"""Names that somebody with bad intentions, or bad luck, could give to a company."""

NAMES = st.builds(
    lambda name, times: (name * times)[:5000],
    st.sampled_from(NASTY) | st.text(st.characters(), max_size=12) | st.text("<>&|@!*`~ \u200dé", max_size=12),
    st.sampled_from([1, 1, 2, 50, 5000]),
)


def check(message: Message) -> None:
    """Hold a message against all of it."""
    check_message({"text": message.text, "blocks": message.blocks})
    assert message.text.strip()
    _hold(message.text, message.blocks)


def check_modal(modal: Modal, *, links: Iterable[str] = ()) -> None:
    """Hold a modal against all of it; these links are what somebody wrote on purpose."""
    check_view(modal)
    View(**modal).validate_json()
    _hold("", modal["blocks"], links=links)
    for part in _parts(modal["blocks"]):
        assert len(part.get("initial_value", "")) <= part.get("max_length", 0)


def check_blocks(blocks: list[Block], *, links: Iterable[str] = ()) -> None:
    """Hold blocks against all of it; these links are what somebody wrote on purpose."""
    check_message({"text": "–", "blocks": blocks})
    _hold("", blocks, links=links)


def check_text(text: str) -> None:
    """Hold the text of an answer against what concerns it."""
    assert text.strip()
    assert len(text) < 4000
    assert_only_our_markup(text)


def assert_only_our_markup(text: str, *, links: Iterable[str] = ()) -> None:
    """No link and no mention but those that we make, and those `links`."""
    known = {tame(link, longest=4000).replace("&", "&amp;") for link in links}
    found = [each for each in _MARKUP.findall(text) if each.partition("|")[0] not in known]
    strange = [each for each in found if not _OURS.fullmatch(each)]
    assert not strange, strange
    assert ">" not in _MARKUP.sub("", text)


def mrkdwn_of(blocks: list[dict[str, Any]]) -> list[str]:
    """Every text in which Slack looks for markup."""
    return [part["text"] for part in _parts(blocks) if part.get("type") == "mrkdwn"]


def _hold(text: str, blocks: list[Block], *, links: Iterable[str] = ()) -> None:
    for shown in (text, *mrkdwn_of(blocks)):
        assert_only_our_markup(shown, links=links)
    parts = list(_parts(blocks))
    assert all(part["verbatim"] for part in parts if part.get("type") == "mrkdwn")
    assert not any(part["emoji"] for part in parts if part.get("type") == "plain_text")
    action_ids = Counter(part["action_id"] for part in parts if "action_id" in part)
    assert not action_ids or max(action_ids.values()) == 1
    # Slack breaks somewhere above 11,000 characters, and does not say where.
    assert sum(len(part["text"]) for part in parts if isinstance(part.get("text"), str)) < 8000


def _parts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(inner)
