"""The demo in a Chromium without a window: start it, open its page, and find what a person would look for."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from bot.domain.mail import LawfulBasis
from tests.machine import limit

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
NEEDS_CHROMIUM: Final = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="needs a Chromium; CI has one"
)
NARROW: Final = 390
"""Pixels of a phone's screen."""
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def started(folder: Path, *, speed: float) -> Iterator[str]:
    """Start the demo in an empty folder and end it with Ctrl-C. Yields the address of its page."""
    line = [sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0", "--speed", str(speed)]
    with subprocess.Popen(line, cwd=folder, stdout=subprocess.PIPE, text=True) as demo:  # noqa: S603  our own command
        assert demo.stdout is not None
        found = re.search(r"http://\S+", demo.stdout.readline())
        try:
            assert found is not None
            yield found[0]
        finally:
            demo.send_signal(signal.SIGINT)
            rest, _ = demo.communicate(timeout=limit(10))
    assert demo.returncode == 0
    assert "Traceback" not in rest


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def opened(browser: Browser, url: str, *, width: int = 1440, height: int = 1000, sharpness: float = 1) -> Page:
    """Open the page as a person who comes for the first time."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=sharpness, reduced_motion="reduce"
    )
    context.set_default_timeout(limit(30_000))
    expect.set_options(timeout=limit(10_000))
    page = await context.new_page()
    await page.goto(url)
    return page


def message(page: Page, words: str) -> Locator:
    """Find the messages with these words."""
    return page.get_by_role("article").filter(has_text=words)


def card(page: Page, title: str) -> Locator:
    """Find the card whose heading has these words."""
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=title))


async def seen(page: Page, title: str) -> Locator:
    """Wait for a card."""
    found = card(page, title)
    await expect(found).to_be_visible(timeout=limit(40_000))
    return found


async def choose(page: Page, on: Locator, option: str) -> None:
    """Choose an option from the menu of a card."""
    await on.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=option, exact=True).click()


async def write(page: Page, on: Locator) -> Locator:
    """Open the form of an email and choose a legal basis if the law of the country asks for one. Returns the form."""
    await on.get_by_role("button", name="Email…").click()
    form = page.get_by_role("dialog", name=re.compile("^Email "))
    await expect(form.get_by_role("textbox", name="Subject")).to_have_value(re.compile(r"\w"))
    basis = form.get_by_role("combobox", name="Legal basis for this email")
    if await basis.count():
        agreed = basis.get_by_role("option").filter(has_text=LawfulBasis.CONSENT)
        await basis.select_option(value=await agreed.get_attribute("value"))
    return form


async def preview(page: Page, form: Locator) -> Locator:
    """Go on to the preview."""
    await form.get_by_role("button", name="Preview").click()
    found = page.get_by_role("dialog").filter(has=page.get_by_role("button", name="Back"))
    await expect(found.get_by_role("button", name="Send")).to_be_visible()
    return found


async def send(page: Page, on: Locator) -> None:
    """Email the contact of a card, with the words of the template."""
    await press_send(page, await preview(page, await write(page, on)))
    await close(page)


async def press_send(page: Page, shown: Locator) -> Locator:
    """Send what the preview shows. Returns the window that says what becomes of it."""
    await shown.get_by_role("button", name="Send").click()
    window = page.get_by_role("dialog", name="Email", exact=True)
    await expect(window).to_be_visible()
    return window


async def close(page: Page) -> None:
    """Close the window."""
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def close_all(page: Page) -> None:
    """Close each window that is open: they are this person's, whatever page shows them."""
    dialog = page.get_by_role("dialog")
    while shown := await dialog.all_inner_texts():  # it waits for none: a window may close by itself
        await page.keyboard.press("Escape")
        await expect(dialog.filter(has_text=shown[-1])).to_have_count(0)


async def command(page: Page, text: str) -> None:
    """Type a command."""
    await page.get_by_role("combobox", name="Command").fill(text)
    await page.keyboard.press("Enter")


async def unsubscribe_page(page: Page) -> Page:
    """Open the newest email, and the page that its unsubscribe link leads to."""
    await page.get_by_role("tab", name="Mailbox").click()
    await page.get_by_role("tabpanel", name="Mailbox").get_by_role("button").first.click()
    async with page.context.expect_page() as new:
        await page.frame_locator("iframe").get_by_role("link", name="Unsubscribe").click()
    return await new.value


def axe() -> Path | None:
    """Return axe-core's script: `AXE_JS`, or where `npm install axe-core` puts it. None if it is not here."""
    places = (os.environ.get("AXE_JS"), Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js")
    return next((Path(place) for place in places if place and Path(place).is_file()), None)
