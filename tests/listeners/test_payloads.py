"""Whatever Slack sends is acknowledged, and answered where a person waits; nonsense changes nothing."""

import asyncio
import copy
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.app.components import Components
from bot.demo.fake_slack import CHANNEL
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.slack.ids import Field
from bot.store.schema import do_not_contact, evaluation, mail
from tests.examples import drawn, examples
from tests.shared_world import SharedWorld, shared_world
from tests.store.steps import rows
from tests.world import TODAY, World, world

Json = dict[str, Any]

ANA, BEN = "U0ANA", "U0BEN"
MARK = {"opt_out.reason": {"opt_out.reason": "TEAM"}}
WEIRD = [
    None,
    "",
    " ",
    [],
    {},
    0,
    -1,
    True,
    10**30,
    "9" * 30,
    "9" * 5000,
    "²",
    "\0",
    "\ud800",
    [None],
    {"id": None},
    "a:b:c",
]
VOLATILE = {"trigger_id"}
in_shared_worlds = pytest.mark.asyncio(loop_scope="module")


class Records(logging.Handler):
    """What Bolt and the SDK log as wrong."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.exc_info or record.levelno >= logging.ERROR:
            self.seen.append(record.getMessage())


@dataclass(kw_only=True)
class Stage:
    """A bot with two cards, and what Slack sent when each thing was done once by hand."""

    here: World
    parts: Components
    payloads: list[tuple[str, Json]] = field(default_factory=list)

    async def act(self) -> None:
        """Do everything there is once, and note what Slack sent."""
        here, press = self.here, self.here.workspace.press
        card = await here.card(NORTHWIND.company)
        await press(ANA, card, "evaluation.claim")
        await here.shows(f"Owner: <@{ANA}>", on=card)
        await here.choose(ANA, card, "evaluation.release")
        await here.shows("No owner yet", on=card)
        await here.choose(ANA, card, "evaluation.assign")
        form = await here.modal(ANA, "owner")
        await here.workspace.submit(ANA, form.id, {"owner": {"owner": BEN}})
        await here.choose(ANA, card, "evaluation.snooze")
        form = await here.modal(ANA, Field.SNOOZE)
        await here.workspace.press_view(ANA, form.id, Field.SNOOZE, "pick")
        form = await here.modal(ANA, Field.SNOOZE_TIME)
        await here.workspace.submit(ANA, form.id)
        await here.shows("Snoozed by", on=card)
        await press(ANA, card, "evaluation.email")
        form = await here.modal(ANA, "mail.body")
        await here.workspace.press_view(ANA, form.id, "mail.recipient", "technical")
        await here.workspace.submit(ANA, form.id)
        await here.send(ANA)
        await here.is_sending(ANA)
        await press(ANA, card, "evaluation.do_not_contact")
        form = await here.modal(ANA, "opt_out.reason")
        await here.workspace.submit(ANA, form.id, MARK)  # type: ignore[arg-type]  # of its keys
        await here.shows("*Do not contact*", on=card)
        for command in ("today", "dnc", "help"):
            await here.workspace.command(ANA, f"/evaluators {command}")
        await self.is_idle()
        sent = [each for each in here.workspace.delivery.sent if each.kind != "events_api"]
        self.payloads = [(each.kind, copy.deepcopy(each.payload)) for each in sent]

    async def send(self, kind: str, payload: Json) -> None:
        """Let Slack send this, which raises when nobody acknowledges it; wait until nothing more comes of it."""
        if "trigger_id" in payload and isinstance(payload["trigger_id"], str):
            payload = {**payload, "trigger_id": self.here.workspace.trigger(ANA)}
        await self.here.workspace.delivery.deliver(kind, payload)
        await self.is_idle()

    async def is_idle(self) -> None:
        """Wait until no listener runs."""
        while tasks := [each for each in asyncio.all_tasks() if "run_ack_function" in str(each.get_coro())]:
            await asyncio.wait(tasks)

    async def state(self) -> tuple[Any, ...]:
        """What presses can change: owners, do-not-contact entries, emails."""
        tables = {table: await rows(self.parts.store, table) for table in (evaluation, do_not_contact, mail)}
        owners = [row.owner for row in tables[evaluation]]
        return owners, len(tables[do_not_contact]), len(tables[mail])


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Two trials with a card each."""
    async with world(folder) as here:
        for number in (1, 2):
            here.marketplace.add(license_record(number, LANTERNS, NORTHWIND, TODAY))
        async with here.bot() as parts:
            found = Stage(here=here, parts=parts)
            await here.until(lambda: len(here.workspace.messages()) >= 2)
            await found.act()
            yield found


def places(value: object, *so_far: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value inside a payload."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield (*so_far, name)
        yield from places(each, *so_far, name)


def changed(payload: Json, path: tuple[str | int, ...], *, to: object, is_cut: bool) -> Json:
    """Return a payload with one value replaced, or left out."""
    found: Any = copy.deepcopy(payload)
    place = found
    for name in path[:-1]:
        place = place[name]
    if is_cut:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return found  # type: ignore[no-any-return]  # a copy of what came in


@pytest.mark.slow
@drawn
@pytest.mark.timeout(examples(300, many=0))
def test_of_real_payloads_with_any_value_missing_or_of_another_kind_none_breaks_anything() -> None:
    folder, records = Path(tempfile.mkdtemp()), Records()
    logging.getLogger().addHandler(records)
    runner, stack = asyncio.Runner(), AsyncExitStack()
    try:
        here = runner.run(stack.enter_async_context(stage(folder)))
        before = runner.run(here.state())

        @settings(max_examples=examples(50, many=500), phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(data=st.data())
        def one(data: st.DataObject) -> None:
            kind, payload = data.draw(st.sampled_from(here.payloads))
            for _ in range(data.draw(st.integers(1, 2))):
                path = data.draw(st.sampled_from(list(places(payload)) or [()]))
                if path and path[-1] not in VOLATILE:
                    payload = changed(
                        payload, path, to=data.draw(st.sampled_from(WEIRD)), is_cut=data.draw(st.booleans())
                    )
            with capture_logs() as logged:
                runner.run(here.send(kind, payload))
            assert not [each for each in logged if each["log_level"] in {"error", "critical"}], logged
            owners, marks, mails = runner.run(here.state())
            assert owners[0] in {None, ANA, BEN}
            # The other card, further entries and further emails are what no payload ever spoke of.
            assert (owners[1], marks, mails) == (before[0][1], before[1], before[2])

        one()
        assert records.seen == []
    finally:
        runner.run(stack.aclose())
        runner.close()
        logging.getLogger().removeHandler(records)
        shutil.rmtree(folder)


KINDS: dict[str, Json] = {
    "a button in an old attachment": {
        "type": "interactive_message",
        "callback_id": "old",
        "actions": [{"name": "yes", "type": "button", "value": "1"}],
    },
    "a dialog": {"type": "dialog_submission", "callback_id": "old", "submission": {"note": None}, "state": None},
    "a shortcut on a message": {"type": "message_action", "callback_id": "x", "message": None},
    "a shortcut": {"type": "shortcut", "callback_id": "x", "channel": None, "response_url": None},
    "a step of a workflow": {"type": "workflow_step_edit", "callback_id": "x", "workflow_step": None},
    "a kind of tomorrow": {"type": "hologram"},
    "no kind": {},
    "a press without actions": {"type": "block_actions", "actions": None},
    "a press on a button of another app": {
        "type": "block_actions",
        "actions": [{"action_id": "evaluation.claim", "value": "1"}],
        "message": {"ts": "1.1", "app_id": "A0OTHER"},
    },
    "a retired button": {"type": "block_actions", "actions": [{"action_id": "evaluation.wave", "value": "1"}]},
    "a number no database has": {
        "type": "block_actions",
        "actions": [{"action_id": "evaluation.claim", "value": "9" * 40}],
    },
    "a mail that no database has": {
        "type": "block_actions",
        "actions": [{"action_id": "mail.again", "value": "9" * 19}],
    },
    "a page of no day": {"type": "block_actions", "actions": [{"action_id": "today.page.1", "value": "0001-01-01:0"}]},
    "a choice outside a form": {"type": "block_actions", "actions": [{"action_id": "mail.template", "value": "1"}]},
}
ASSIGN: Json = {
    "id": "V1",
    "type": "modal",
    "callback_id": "assign",
    "private_metadata": f'[1, "{CHANNEL}", null]',
    "state": {"values": {"owner": {"owner": {"type": "users_select", "selected_user": BEN}}}},
}
FORMS: dict[str, Json] = {
    "an unknown form": {"callback_id": "wave"},
    "a step of a workflow": {"type": "workflow_step"},
    "foreign metadata": {"private_metadata": '{"team": "T1"}'},
    "no metadata": {"private_metadata": ""},
    "metadata of a huge number": {"private_metadata": f'[{"9" * 40}, "{CHANNEL}", null]'},
    "no state": {"state": None},
    "no owner": {"state": {"values": {}}},
    "a mail without words": {"callback_id": "email", "state": {"values": {}}},
    "a preview of nothing": {"callback_id": "preview", "private_metadata": f'[1, "{CHANNEL}", "t0k3n WHIM"]'},
    "a mark without a reason": {"callback_id": "do_not_contact", "state": {"values": {}}},
    "a mark lifted that nobody set": {
        "callback_id": "contact_again",
        "private_metadata": f'[1, "{CHANNEL}", "yesterday"]',
        "state": {"values": {"n": {"opt_out.note": {"type": "plain_text_input", "value": "They called"}}}},
    },
}
PRESSED: Json = {
    "user": {"id": ANA},
    "team": {"id": "T0DEMO"},
    "api_app_id": "A0DEMO",
    "channel": {"id": CHANNEL},
    "trigger_id": "",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_work(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SharedWorld]:
    """A bot with a card that nobody owns, over the socket."""
    async with shared_world(tmp_path_factory.mktemp("socket"), cards=1) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def at_work_over_http(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SharedWorld]:
    """The same over HTTP."""
    async with shared_world(tmp_path_factory.mktemp("http"), cards=1, slack_app_token=None) as found:
        found.here.workspace.request_url = f"http://127.0.0.1:{found.here.port}/slack/events"
        yield found


@pytest.fixture
def waiting(at_work: SharedWorld) -> Iterator[Stage]:
    yield Stage(here=at_work.here, parts=at_work.parts)
    at_work.tidy()


@pytest.fixture
def waiting_over_http(at_work_over_http: SharedWorld) -> Iterator[Stage]:
    yield Stage(here=at_work_over_http.here, parts=at_work_over_http.parts)
    at_work_over_http.tidy()


async def _answered(stage: Stage, payload: Json) -> None:
    here = stage.here
    before = await stage.state()
    with capture_logs() as logged:
        await stage.send("interactive", payload)
    assert not [each for each in logged if each["log_level"] in {"error", "critical"}], logged
    assert await stage.state() == before
    said = [*here.workspace.ephemerals(ANA), *here.workspace.direct(ANA)]
    assert len(said) == 1, [each.shown for each in said]
    assert said[0].shown.endswith(".")


@pytest.mark.parametrize("payload", KINDS.values(), ids=KINDS)
@in_shared_worlds
async def test_every_kind_of_interaction_is_answered_in_words(waiting: Stage, payload: Json) -> None:
    await _answered(waiting, {**PRESSED, **payload})


@pytest.mark.parametrize("changes", FORMS.values(), ids=FORMS)
@in_shared_worlds
async def test_every_form_that_makes_no_sense_is_answered_in_words(waiting: Stage, changes: Json) -> None:
    await _answered(waiting, {**PRESSED, "channel": None, "type": "view_submission", "view": {**ASSIGN, **changes}})


@in_shared_worlds
async def test_what_nobody_waits_for_is_acknowledged_and_not_answered(waiting: Stage) -> None:
    closed = {**PRESSED, "type": "view_closed", "view": ASSIGN}
    await waiting.send("interactive", closed)
    await waiting.send("interactive", {**PRESSED, "type": "block_suggestion", "action_id": "x", "value": "a"})
    await waiting.here.workspace.open_home(ANA)
    await waiting.is_idle()
    assert [*waiting.here.workspace.ephemerals(ANA), *waiting.here.workspace.direct(ANA)] == []


@pytest.mark.parametrize("name", ["/evaluators-dev", "/evals"])
@in_shared_worlds
async def test_a_command_answers_under_whatever_name_it_was_set_up(waiting: Stage, name: str) -> None:
    waiting.here.workspace.commands[name] = "today"
    await waiting.here.workspace.command(ANA, f"{name} today")
    await waiting.here.notified(ANA, "1 in all")


@in_shared_worlds
async def test_a_form_that_lacks_what_it_must_have_says_so_at_the_field(waiting: Stage) -> None:
    empty = {"b": {"owner": {"type": "users_select", "selected_user": None}}}
    payload = {**PRESSED, "type": "view_submission", "view": {**ASSIGN, "state": {"values": empty}}}
    answer = await waiting.here.workspace.delivery.deliver("interactive", payload)
    assert answer == {"response_action": "errors", "errors": {"b": "Please choose."}}


@in_shared_worlds
async def test_over_http_broken_and_unsigned_bodies_are_refused_without_a_word_in_the_log(
    waiting_over_http: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    url = waiting_over_http.here.workspace.request_url
    assert url is not None
    async with aiohttp.ClientSession() as session:
        for body in (b"{", b"[" * 100_000, b"\xff\xfe", b"payload=%7B", b"payload=null", b"payload=[]", b""):
            for kind in ("application/json", "application/x-www-form-urlencoded"):
                headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=1"}
                async with session.post(url, data=body, headers=headers) as answer:
                    assert answer.status == 401
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("payload", KINDS.values(), ids=KINDS)
@in_shared_worlds
async def test_over_http_every_kind_is_acknowledged_and_answered_too(waiting_over_http: Stage, payload: Json) -> None:
    await _answered(waiting_over_http, {**PRESSED, **payload})
