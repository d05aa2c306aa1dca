"""The team's settings, edited from the Home tab."""

from collections.abc import AsyncIterator

import pytest

from bot.app.components import Components
from bot.domain.team_settings import TeamSettings
from bot.services.team.team_file import TeamFileEditor
from bot.slack.views import settings_form
from tests.listeners.test_home import opened
from tests.slack.checks import check, check_modal
from tests.world import World

ANA, BEN = "U0ANA", "U0BEN"
NEW = '[digest]\ndaily = "09:00"\n[reminders]\nunclaimed = "4h"\n'


@pytest.fixture
async def parts(here: World) -> AsyncIterator[Components]:
    async with here.bot(slack_admins=ANA) as found:
        yield found


async def form_of(here: World, user: str) -> str:
    """Open the form from the Home tab; its id."""
    await opened(here, user, "Settings…")
    await here.workspace.press_view(user, here.workspace.homes[user].id, "home.settings")
    return (await here.modal(user, "settings.file")).id


async def heard(here: World, user: str, words: str) -> None:
    await here.until(lambda: any(words in each.shown for each in here.workspace.direct(user)))


async def test_an_admin_changes_them_and_reads_what_follows(here: World, parts: Components) -> None:
    form = await form_of(here, ANA)
    shown = here.workspace.views[ANA][-1].blocks[0]["element"]["initial_value"]
    assert 'working_hours = "mon-fri 09:00-17:00"' in shown
    await here.workspace.submit(ANA, form, {"settings.file": {"settings.file": NEW}})
    await heard(here, ANA, "`digest.daily`: off → 09:00")
    await heard(here, ANA, "Reminders that are due come within a minute.")
    found = await parts.store.team.settings()
    assert (str(found.digest.daily), str(found.reminders.unclaimed)) == ("09:00:00", "4h")


async def test_a_wrong_line_is_named_in_the_form_and_nothing_changes(here: World, parts: Components) -> None:
    form = await form_of(here, ANA)
    answer = await here.workspace.submit(ANA, form, {"settings.file": {"settings.file": '[digest]\ndaily = "9"\n'}})
    assert "line 2:" in answer["errors"]["settings.file"]
    assert await parts.store.team.settings() == TeamSettings()


async def test_of_two_who_edit_at_once_the_second_changes_nothing(here: World, parts: Components) -> None:
    form = await form_of(here, ANA)
    editor = TeamFileEditor(parts.store, channel="C0CARDS", admins=(ANA,), clock=here.clock)
    assert await editor.replace(NEW, version=(await editor.read()).version, by=BEN)
    answer = await here.workspace.submit(ANA, form, {"settings.file": {"settings.file": "holidays = []"}})
    assert answer["errors"] == {"settings.file": settings_form.CHANGED_MEANWHILE}
    assert await editor.replace("holidays = []", version="another", by=ANA) is None
    assert (await parts.store.team.settings()).reminders.unclaimed is not None


async def test_only_admins_have_the_button_and_may_use_it(here: World, parts: Components) -> None:
    del parts
    await opened(here, BEN, "Licenses report")
    assert "Settings…" not in here.workspace.homes[BEN].shown
    await opened(here, ANA, "Settings…")
    here.workspace.homes[BEN] = here.workspace.homes[ANA]
    await here.workspace.press_view(BEN, here.workspace.homes[BEN].id, "home.settings")
    await heard(here, BEN, settings_form.ONLY_ADMINS)


def test_slack_takes_the_form_and_the_answer_whatever_they_hold() -> None:
    check_modal(settings_form.settings_form("x" * settings_form.LONGEST, version="v"))
    check_modal(settings_form.settings_form("", version="v"))
    check(settings_form.changed_message({f"channels.{'<&>' * n}": "– → <!channel>" * 20 for n in range(60)}))
    check(settings_form.changed_message({}))
    assert len(settings_form.field_error(("line 1: " + "x" * 2000,))) == 600
