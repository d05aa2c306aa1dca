"""The demo as a newcomer meets it: `evaluator-bot demo`, a browser, and everything there is to press."""

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="needs a Chromium; CI has one"),
    pytest.mark.timeout(240),
]


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    """The demo, started in an empty folder and ended with Ctrl-C."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert demo.stdout is not None
    found = re.search(r"http://\S+", (await demo.stdout.readline()).decode())
    assert found is not None
    yield found[0]
    demo.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(demo.communicate(), timeout=10)
    assert demo.returncode == 0
    assert b"Traceback" not in rest


@pytest.fixture
async def page(url: str) -> AsyncIterator[Page]:
    """The page, opened."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        await page.goto(url)
        yield page
        await browser.close()


def _message(page: Page, words: str) -> Locator:
    return page.locator("article.message").filter(has_text=words)


def _card(page: Page, title: str) -> Locator:
    return page.locator("article.message").filter(has=page.get_by_role("heading", name=title))


async def _photo(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTIFACTS / f"{name}.png")


async def test_a_newcomer_does_the_whole_job_in_the_browser(page: Page) -> None:
    cards = page.locator("article.message").filter(has=page.get_by_role("button", name="Email…"))
    await expect(cards.first).to_be_visible(timeout=60_000)
    await _photo(page, "1-first-card")

    first = _card(page, await cards.first.get_by_role("heading").inner_text())
    await first.get_by_role("button", name="Email…").click()
    modal = page.get_by_role("dialog", name="Write a mail")
    await expect(modal.get_by_role("textbox", name="Subject")).to_have_value(re.compile("Your trial of"))
    await _photo(page, "2-email")
    await modal.get_by_role("button", name="Send").click()
    await expect(_message(page, "Sent to")).to_be_visible()
    await expect(first).to_contain_text("Welcome sent by")
    await page.get_by_role("tab", name="Mailbox").click()
    await page.locator("button.mail").first.click()
    await _photo(page, "3-mailbox")

    await first.get_by_role("button", name="Claim").click()
    await expect(first).to_contain_text("Owner: @Ana")
    await first.get_by_role("button", name="Do not contact…").click()
    form = page.get_by_role("dialog", name="Do not contact")
    await form.get_by_role("combobox", name="Why").select_option(label="They asked us not to write")
    await _photo(page, "4-do-not-contact")
    await form.get_by_role("button", name="Do not contact").click()
    await expect(first.get_by_role("button", name="Email…")).to_have_count(0)
    await expect(first).to_contain_text("They asked us not to write")

    await page.get_by_role("combobox", name="Command").fill("/evaluators today")
    await page.keyboard.press("Enter")
    await expect(_message(page, "in all")).to_be_visible()
    await _photo(page, "5-today")
    await first.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    await _photo(page, "6-thread")


async def test_the_keyboard_is_enough(page: Page) -> None:
    button = page.get_by_role("button", name="Email…").first
    await button.focus(timeout=60_000)
    await page.keyboard.press("Enter")
    modal = page.get_by_role("dialog", name="Write a mail")
    await expect(modal.get_by_role("textbox", name="Subject")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_be_hidden()
    await expect(button).to_be_focused()
    await page.get_by_role("combobox", name="Command").focus()
    await page.keyboard.type("/evaluators help")
    await page.keyboard.press("Enter")
    await expect(_message(page, "Evaluator Bot knows")).to_be_visible()


async def test_the_story_brings_every_kind_of_evaluator_and_nobody_is_mentioned(page: Page) -> None:
    for words in (
        "Sandbox site",
        "Data Center",
        "Through",
        "No e-mail",
        "asked Atlassian to be forgotten",
        "Rocket",
        "They have bought the app",
        "extended to",
    ):
        await expect(_message(page, words).first).to_be_visible(timeout=110_000)
    await expect(page.locator(".broadcast")).to_have_count(0)
    await page.set_viewport_size({"width": 390, "height": 844})
    await _photo(page, "7-narrow")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await _photo(page, "8-dark")
