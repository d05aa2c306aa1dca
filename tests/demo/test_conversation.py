"""Two people talk, one in Slack and one in the app, while the bot restarts and another copy takes over."""

import re
import socket
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page, expect

from bot.demo.app_signals import AppSignals
from bot.demo.customer_site.server import CustomerSite
from bot.demo.scenario.sample_data import LANTERNS, NORTHWIND, license_record
from tests.demo.browser import NEEDS_CHROMIUM, chromium, opened, seen
from tests.log_watch import WATCH
from tests.postgres import needs_a_server
from tests.scenarios.process import by_the_wall_clock
from tests.world import World

SECRET = "what the app on this site signs with"
TURNS = range(1, 6)

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM, needs_a_server, pytest.mark.timeout(120)]


class Talk:
    """What two people said, in their two windows."""

    def __init__(self, slack: Page, site: Page) -> None:
        self.said: list[str] = []
        self._slack = slack
        self._site = site
        self._window = site.get_by_role("log")
        self._thread = slack.get_by_role("tabpanel", name="Thread")

    async def turn(self, number: int) -> None:
        """Let one ask and the other answer."""
        question, answer = f"Question {number}", f"Answer {number}"
        WATCH.keep_mail_private(f"{question}\n{answer}")
        await self._site.get_by_label("Your message").fill(question)
        await self._site.get_by_role("button", name="Send").click()
        await expect(self._window).to_contain_text(question)
        card = await seen(self._slack, NORTHWIND.company)
        await card.get_by_role("button", name=re.compile(r"\d+ repl")).click()
        await expect(self._thread).to_contain_text(question)
        await self._thread.get_by_role("button", name="Answer in the app…").last.click()
        form = self._slack.get_by_role("dialog")
        await form.get_by_label("Your answer").fill(answer)
        await form.get_by_role("button", name="Answer", exact=True).click()
        await expect(self._thread).to_contain_text(answer)
        await self._site.clock.fast_forward(10_000)  # the window looks that often
        await expect(self._window).to_contain_text(answer)
        self.said += [question, answer]
        shown = await self._window.get_by_role("listitem").all_inner_texts()
        assert [each.splitlines()[-1] for each in shown] == self.said
        assert re.findall(r"(?:Question|Answer) \d", await self._thread.inner_text()) == self.said

    async def come_back(self) -> None:
        """Open the site again, which shows what was said before."""
        await self._site.reload()
        await self._site.get_by_text("Questions or feedback?").click()
        await expect(self._window.get_by_role("listitem")).to_have_count(len(self.said))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def test_ten_turns_through_a_restart_and_a_second_copy_are_each_there_once_in_order(
    here: World, postgres: str
) -> None:
    first, second, port = _free_port(), _free_port(), _free_port()
    by_the_wall_clock(here)
    here.marketplace.add(license_record(1, LANTERNS, NORTHWIND, here.clock.today()))
    common = {
        "database_url": postgres,
        "signals_secret": SECRET,
        "feedback_origins": f"http://127.0.0.1:{port}",
    }
    bot_url = f"http://127.0.0.1:{first}"
    site = CustomerSite(
        LANTERNS,
        NORTHWIND,
        bot_url=bot_url,
        signals=AppSignals(bot_url=bot_url, secret=SECRET),
        on_license=lambda: None,
    )
    async with site.serve(port), chromium() as browser, AsyncExitStack() as copies:
        async with here.bot(**common, http_port=first):
            page = await opened(browser, here.workspace.url)
            await seen(page, NORTHWIND.company)
            theirs = await opened(browser, f"http://127.0.0.1:{port}")
            await theirs.clock.install()
            await theirs.reload()
            await theirs.get_by_role("button", name="Install", exact=True).click()
            await theirs.get_by_text("Questions or feedback?").click()
            talk = Talk(page, theirs)
            await talk.turn(1)
        leads = await copies.enter_async_context(AsyncExitStack())
        await leads.enter_async_context(here.bot(**common, http_port=first))
        await talk.turn(2)
        await copies.enter_async_context(here.at_work(here.settings(**common, http_port=second)))
        await here.until(lambda: here.workspace.sockets > 1)
        await talk.turn(3)
        site.bot_url = f"http://127.0.0.1:{second}"
        await talk.come_back()
        await talk.turn(4)
        await leads.aclose()
        await talk.turn(5)
        await talk.come_back()
    assert len(talk.said) == 2 * len(TURNS)
