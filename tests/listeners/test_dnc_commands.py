"""`/evaluators dnc …`, typed in a small Slack."""

from collections.abc import AsyncIterator

import pytest

from bot.app.components import Components
from bot.demo.fake_slack.models import User
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from bot.domain.dnc import DncEntry, DncReason, DncTarget
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


async def standing(parts: Components, whom: str) -> DncEntry | None:
    """The mark against an address, a domain or a site."""
    subject = DncTarget.read(whom)
    assert subject is not None
    return await parts.store.dnc.find_active([subject])


@pytest.mark.usefixtures("parts")
async def test_at_first_nobody_is_marked_and_it_is_said_how_to_mark_somebody(here: World) -> None:
    answer = await said(here, BEN, "")
    assert "Nobody is marked do-not-contact." in answer
    assert "dnc add @acme.example why" in answer


async def test_an_address_is_marked_with_why_and_every_card_shows_it(here: World, parts: Components) -> None:
    card = await here.card(NORTHWIND.company)
    assert "Marked. Nobody can mail this address" in await said(here, BEN, f"add {WHOM} She called US")
    await here.shows("*Do not contact*: They asked us not to write", on=card)
    no = await standing(parts, WHOM)
    assert no is not None
    assert (no.reason, no.by, no.note) == (DncReason.ASKED, BEN, "She called US")
    assert f"{WHOM}: They asked us not to write, <@{BEN}>" in await said(here, ANA, WHOM.upper())
    assert "1 in all (1 asked)" in await said(here, ANA, "")
    assert f"It was marked already by <@{BEN}>" in await said(here, ANA, f"add {WHOM} again")


async def test_a_domain_and_a_site_are_marked_and_lifted(here: World, parts: Components) -> None:
    card = await here.card(NORTHWIND.company)
    assert f"anybody at {DOMAIN}" in await said(here, BEN, f"ADD @{DOMAIN} they asked")
    await here.shows(f"*Do not contact* anybody at {DOMAIN}", on=card)
    assert f"@{DOMAIN}: They asked us" in await said(here, ANA, WHOM)
    assert "They can be written to again" in await said(here, ANA, f"lift @{DOMAIN} they agreed")
    await here.until(lambda: "*Do not contact*" not in here.workspace.messages()[-1].shown)
    assert "anybody of acme.atlassian.net" in await said(here, BEN, "add acme.atlassian.net a competitor")
    assert await standing(parts, "acme.atlassian.net") is not None
    assert await standing(parts, f"@{DOMAIN}") is None


async def test_what_somebody_said_themselves_only_an_admin_lifts(here: World, parts: Components) -> None:
    subject = DncTarget.of_address(WHOM)
    await parts.store.dnc.add(subject, DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=here.clock()))
    assert "Not lifted. What they said themselves only an admin" in await said(here, ANA, f"lift {WHOM} it is fine")
    assert await standing(parts, WHOM) is not None
    assert "Lifted." in await said(here, CHIKA, f"lift {WHOM} their letter of today")
    assert await standing(parts, WHOM) is None


async def test_not_everybody_may_lift(here: World, parts: Components) -> None:
    await said(here, BEN, f"add {WHOM} she called")
    assert "Only some people here may mail or lift a mark" in await said(here, BEN, f"lift {WHOM} a mistake")
    assert await standing(parts, WHOM) is not None


async def test_a_guest_learns_nothing(here: World, parts: Components) -> None:
    await said(here, BEN, f"add {WHOM} she called")
    here.workspace.add_user(User(id="U0EVE", name="eve", real_name="Eve", is_guest=True))
    for typed in ("", WHOM, f"add bo@{DOMAIN} why", f"lift {WHOM} why"):
        assert "guests can read along" in await said(here, "U0EVE", typed)
    assert await standing(parts, f"bo@{DOMAIN}") is None


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
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
    ],
)
async def test_what_is_plainly_meant_is_marked(here: World, parts: Components, typed: str, marked: str) -> None:
    assert "Marked. Nobody can mail" in await said(here, BEN, typed)
    [mark] = await parts.store.dnc.list_active()
    assert (str(mark.target), mark.note) == (marked, "they asked")


async def test_a_command_in_code_marks_is_the_command(here: World, parts: Components) -> None:
    before = len(here.workspace.ephemerals(BEN))
    await here.workspace.command(BEN, "/evaluators `dnc add @acme.example they asked`")
    await here.until(lambda: len(here.workspace.ephemerals(BEN)) > before)
    [mark] = await parts.store.dnc.list_active()
    assert (str(mark.target), mark.note) == ("@acme.example", "they asked")


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("typed", ["today.", "“today”", "`today`", "Today!"])
async def test_today_is_today_whatever_stands_around_it(here: World, typed: str) -> None:
    before = len(here.workspace.ephemerals(BEN))
    await here.workspace.command(BEN, f"/evaluators {typed}")
    await here.until(lambda: len(here.workspace.ephemerals(BEN)) > before)
    assert NORTHWIND.company in here.workspace.ephemerals(BEN)[-1].shown


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("bo@else.example", "bo@else.example is not marked."),
        ("add", "That is no address, domain or site."),
        ("add somebody why", "That is no address, domain or site."),
        ("add bo@else.example", "Say why"),
        ("lift bo@else.example", "Say why"),
        ("lift bo@else.example because", "There is no such do-not-contact mark any more."),
        ("somebody", "That is no address, domain or site."),
        ("forget bo@else.example now", "That is no address, domain or site."),
        ("<!channel>", "That is no address, domain or site."),
        ("add ana at acme.example", "That is no address, domain or site."),
        ("add ana..lima@acme.example they asked", "That is no address, domain or site."),
        ("add ana@acme.example,bo@acme.example they asked", "That is no address, domain or site."),
        ("add ana@acme.example, bo@acme.example they asked", "one address or domain at a time"),
        ("add “ana lima” they asked", "That is no address, domain or site."),
        ("add *.atlassian.net they asked", "That is no address, domain or site."),
    ],
)
async def test_whatever_is_typed_is_answered_and_changes_nothing(
    here: World, parts: Components, typed: str, answer: str
) -> None:
    assert answer in await said(here, ANA, typed)
    assert await parts.store.dnc.list_active() == []
