"""`/evaluators dnc …`, typed in a small Slack."""

from collections.abc import AsyncIterator

import pytest

from bot.app.components import Components
from bot.demo.fake_slack import faults
from bot.demo.fake_slack.models import User, View
from bot.demo.fake_slack.view_state import Values
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.slack.ids import Field
from tests.world import TODAY, World

ANA, BEN, CHIKA = "U0ANA", "U0BEN", "U0CHIKA"
WHOM = NORTHWIND.email
DOMAIN = WHOM.rpartition("@")[2]


@pytest.fixture
async def parts(here: World) -> AsyncIterator[Components]:
    """The bot at work, with one card; Chika is an admin of it, Ana and Chika may mail and lift."""
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, TODAY))
    async with here.bot(slack_admins=CHIKA, slack_actors=f"{ANA},{CHIKA}") as parts:
        yield parts


async def said(here: World, user: str, typed: str) -> str:
    """The answer to what somebody typed, which nobody else sees."""
    before = len(here.workspace.ephemerals(user))
    await here.workspace.command(user, f"/evaluators dnc {typed}".strip())
    await here.until(lambda: len(here.workspace.ephemerals(user)) > before)
    return here.workspace.ephemerals(user)[-1].shown


async def form(here: World, user: str, typed: str, shows: str) -> View:
    """The form that a command opens, once it shows these words."""
    await here.workspace.command(user, f"/evaluators dnc {typed}")
    return await here.modal(user, shows)


async def answered(here: World, user: str, view: View, filled: Values) -> str:
    """The answer to a form, which nobody else sees."""
    before = len(here.workspace.ephemerals(user))
    await here.workspace.submit(user, view.id, filled)
    await here.until(lambda: len(here.workspace.ephemerals(user)) > before)
    return here.workspace.ephemerals(user)[-1].shown


async def blocks(here: World, user: str, typed: str, reason: DncReason = DncReason.ASKED) -> str:
    """The answer to the form of `dnc add`."""
    view = await form(here, user, f"add {typed}", "Nobody will be able to email")
    return await answered(here, user, view, {Field.REASON: {Field.REASON: reason.name}})


async def lifts(here: World, user: str, typed: str, note: str = "They agreed") -> str:
    """The answer to the form of `dnc lift`."""
    view = await form(here, user, f"lift {typed}", "Why can we contact them again?")
    return await answered(here, user, view, {Field.NOTE: {Field.NOTE: note}})


async def standing(parts: Components, who: str) -> DncEntry | None:
    """The active entry for an address, a domain or a site."""
    subject = DncTarget.read(who)
    assert subject is not None
    return await parts.store.dnc.find_active([subject])


@pytest.mark.usefixtures("parts")
async def test_at_first_nobody_is_blocked_and_the_answer_says_how_to_block_somebody(here: World) -> None:
    answer = await said(here, BEN, "")
    assert "The do-not-contact list is empty." in answer
    assert "dnc add @acme.example" in answer


async def test_an_address_is_blocked_for_the_reason_that_was_chosen_and_every_card_shows_it(
    here: World, parts: Components
) -> None:
    card = await here.card(NORTHWIND.company)
    assert "Blocked. Nobody can email this address" in await blocks(here, BEN, f"{WHOM} A competitor", DncReason.TEAM)
    await here.shows("*Do not contact*: The team decided", on=card)
    no = await standing(parts, WHOM)
    assert no is not None
    assert (no.reason, no.by, no.note) == (DncReason.TEAM, BEN, "A competitor")
    assert f"{WHOM}: The team decided, <@{BEN}>" in await said(here, ANA, WHOM.upper())
    assert "1 entry (1 team)" in await said(here, ANA, "")
    again = await blocks(here, ANA, WHOM)
    assert f"*{WHOM}*: <@{BEN}> already blocked this, just now" in again


async def test_a_domain_and_a_site_are_blocked_and_unblocked(here: World, parts: Components) -> None:
    card = await here.card(NORTHWIND.company)
    assert f"at {DOMAIN}" in await blocks(here, BEN, f"@{DOMAIN}")
    await here.shows(f"at {DOMAIN}", on=card)
    assert f"@{DOMAIN}: They asked us" in await said(here, ANA, WHOM)
    assert "They can be emailed again" in await lifts(here, ANA, WHOM)
    await here.until(lambda: "*Do not contact*" not in here.workspace.messages()[-1].shown)
    assert "acme.atlassian.net" in await blocks(here, BEN, "acme.atlassian.net", DncReason.LEGAL)
    assert await standing(parts, "acme.atlassian.net") is not None
    assert await standing(parts, f"@{DOMAIN}") is None


async def test_what_somebody_said_themselves_only_an_admin_lifts_with_their_consent(
    here: World, parts: Components
) -> None:
    subject = DncTarget.of_address(WHOM)
    await parts.store.dnc.add(subject, DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=here.clock()))
    refusal = await form(here, ANA, f"lift {WHOM} it is fine", "They unsubscribed. Only an admin can lift this")
    assert not refusal.content.get("submit")
    view = await form(here, CHIKA, f"lift {WHOM}", "only with their *written consent*")
    blank = await here.workspace.submit(CHIKA, view.id, {Field.NOTE: {Field.NOTE: " "}})
    assert blank["response_action"] == "errors"
    assert await standing(parts, WHOM) is not None
    assert "Unblocked." in await answered(here, CHIKA, view, {Field.NOTE: {Field.NOTE: "Their letter of today"}})
    assert await standing(parts, WHOM) is None


async def test_not_everybody_may_lift_and_hears_who_may(here: World, parts: Components) -> None:
    await blocks(here, BEN, WHOM)
    await form(
        here,
        BEN,
        f"lift {WHOM} a mistake",
        f"You don't have permission to email contacts or unblock them. Ask <@{CHIKA}>",
    )
    assert await standing(parts, WHOM) is not None


async def test_an_entry_that_changed_while_the_form_was_open_is_not_lifted(here: World, parts: Components) -> None:
    await blocks(here, BEN, WHOM)
    slow = await form(here, ANA, f"lift {WHOM}", "Why can we contact them again?")
    await lifts(here, CHIKA, WHOM)
    answer = await answered(here, ANA, slow, {Field.NOTE: {Field.NOTE: "They agreed"}})
    assert f"*{WHOM}*: <@{CHIKA}> already unblocked this, just now" in answer
    assert await standing(parts, WHOM) is None


async def test_a_command_whose_trigger_expired_offers_a_button_to_its_form(here: World, parts: Components) -> None:
    here.workspace.faults.add("views.open", faults.refuse("expired_trigger_id"))
    assert "too long for Slack" in await said(here, BEN, f"add {WHOM} she called")
    await here.workspace.press(BEN, here.workspace.ephemerals(BEN)[-1], "dnc_add")
    view = await here.modal(BEN, "Nobody will be able to email")
    await answered(here, BEN, view, {Field.REASON: {Field.REASON: "LEGAL"}})
    no = await standing(parts, WHOM)
    assert no is not None
    assert (no.reason, no.note) == (DncReason.LEGAL, "she called")


async def test_the_list_is_turned_a_page_at_a_time(here: World, parts: Components) -> None:
    for n in range(16):
        entry = DncEntry(reason=DncReason.TEAM, by=BEN, at=here.clock())
        await parts.store.dnc.add(DncTarget.of_address(f"p{n}@acme.example"), entry)
    assert "Page 1 of 2" in await said(here, ANA, "")
    await here.workspace.press(ANA, here.workspace.ephemerals(ANA)[-1], "dnc.page.1")
    await here.until(lambda: "Page 2 of 2" in here.workspace.ephemerals(ANA)[-1].shown)


async def test_a_guest_learns_nothing(here: World, parts: Components) -> None:
    await blocks(here, BEN, WHOM)
    here.workspace.add_user(User(id="U0EVE", name="eve", real_name="Eve", is_guest=True))
    for typed in ("", WHOM, "add somebody"):
        assert "guests can read along" in await said(here, "U0EVE", typed)
    for typed in (f"add bo@{DOMAIN} why", f"lift {WHOM} why"):
        view = await form(here, "U0EVE", typed, "guests can read along")
        assert not view.content.get("submit")
    assert await standing(parts, f"bo@{DOMAIN}") is None


MEANT = (
    ("add “ana@smart.example” they asked", "ana@smart.example"),
    ("add `ana@code.example` they asked", "ana@code.example"),
    ("“add” 'ana@smart.example', they asked", "ana@smart.example"),
    ("add <mailto:ana@acme.example|ana@acme.example> they asked", "ana@acme.example"),
    ("add &lt;ana@acme.example&gt; they asked", "ana@acme.example"),
    ("add comma.example, they asked", "@comma.example"),
    ("add *@star.example they asked", "@star.example"),
    ("add *.star.example they asked", "@star.example"),
    ("add https://acme.example/about they asked", "@acme.example"),
    ("add ana@MÜLLER.example they asked", "ana@xn--mller-kva.example"),
    ("add “ana@smart.example they asked”", "ana@smart.example"),
    ("`dnc add @marks.example they asked`", "@marks.example"),
)
"""What somebody types after `/evaluators dnc`, or in code marks, and the entry that it leads to."""


async def test_a_target_that_is_plainly_meant_is_blocked(here: World, parts: Components) -> None:
    for typed, marked in MEANT:
        await here.workspace.command(BEN, f"/evaluators {typed if typed[0] == '`' else f'dnc {typed}'}")
        view = await here.modal(BEN, "Nobody will be able to email")
        await answered(here, BEN, view, {Field.REASON: {Field.REASON: "ASKED"}})
        [mark] = await parts.store.dnc.list_active()
        assert (str(mark.target), mark.note) == (marked, "they asked"), typed
        await lifts(here, CHIKA, marked)


@pytest.mark.usefixtures("parts")
async def test_today_is_today_whatever_stands_around_it(here: World) -> None:
    for typed in ("today.", "“today”", "`today`", "Today!"):
        before = len(here.workspace.ephemerals(BEN))
        await here.workspace.command(BEN, f"/evaluators {typed}")
        await here.until(lambda before=before: len(here.workspace.ephemerals(BEN)) > before)  # type: ignore[misc]  # bool
        assert NORTHWIND.company in here.workspace.ephemerals(BEN)[-1].shown, typed


NOT_MEANT = (
    ("bo@else.example", "bo@else.example isn't blocked."),
    ("add", "Say who: an address, a domain or a site."),
    ("add somebody why", "That isn't an address, domain or site."),
    ("somebody", "That isn't an address, domain or site."),
    ("forget bo@else.example now", "That isn't an address, domain or site."),
    ("<!channel>", "That isn't an address, domain or site."),
    ("add ana at acme.example", "That isn't an address, domain or site."),
    ("add ana..lima@acme.example they asked", "That isn't an address, domain or site."),
    ("add ana@acme.example,bo@acme.example they asked", "That isn't an address, domain or site."),
    ("add ana@acme.example, bo@acme.example they asked", "one address or domain at a time"),
    ("add “ana lima” they asked", "That isn't an address, domain or site."),
    ("add *.atlassian.net they asked", "That isn't an address, domain or site."),
)


async def test_whatever_is_typed_is_answered_and_changes_nothing(here: World, parts: Components) -> None:
    for typed, answer in NOT_MEANT:
        assert answer in await said(here, ANA, typed), typed
    assert await parts.store.dnc.list_active() == []
