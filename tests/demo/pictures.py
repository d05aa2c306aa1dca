"""Take the pictures of README and the documentation in light and dark: `make pictures`."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.async_api import Locator, Page, expect

from tests.demo.browser import (
    CHROMIUM,
    chromium,
    close,
    command,
    message,
    opened,
    press_send,
    preview,
    seen,
    started,
    unsubscribe_page,
    write,
)
from tests.machine import limit

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
_SPEED: Final = 20
_SHARPNESS: Final = 1.2
_LARGEST: Final = 250_000
"""Bytes of a picture."""


async def main() -> None:
    """Do what a newcomer does, with a picture of each step."""
    with TemporaryDirectory() as folder, started(Path(folder), speed=_SPEED) as url:
        async with chromium() as browser:
            # As high as the longest form, so that nothing is cut off.
            page = await opened(browser, url, width=1280, height=1600, sharpness=_SHARPNESS)
            await _take_all(page)


async def _take_all(page: Page) -> None:
    card = await seen(page, "Kiwi")
    await card.get_by_role("button", name="Claim").click()
    await expect(card).to_contain_text("Owner: @Ana")
    form = await write(page, card)
    await _take(page, form, "form")
    shown = await preview(page, form)
    await _take(page, shown, "preview")
    await press_send(page, shown)
    await close(page)
    await expect(card).to_contain_text("sent Welcome", timeout=limit(20_000))
    await _take(page, card, "card")
    await command(page, "/evaluators today")
    today = message(page, "Only visible to you").filter(has_text="Alpen").filter(has_text="Kiwi")
    await expect(today).to_be_visible()
    await _take(page, today, "today")
    await command(page, "/evaluators report")
    report = message(page, "Conversion · since")
    chart = report.locator("figure").first
    await expect(report).to_be_in_viewport(ratio=0.5)
    await chart.scroll_into_view_if_needed()
    await _take(page, chart, "report")
    await page.get_by_role("button", name="Home tab").click()
    home = page.get_by_role("region", name="Home tab")
    await expect(home.get_by_role("button", name="Claim").first).to_be_visible()
    await _take(page, home.locator(".blocks"), "home")
    await page.get_by_role("button", name="Home tab").click()
    theirs = await unsubscribe_page(page)
    await theirs.set_viewport_size({"width": 720, "height": 420})
    await _take(theirs, theirs.locator("body"), "unsubscribe")


async def _take(page: Page, what: Locator, name: str) -> None:
    """Take the picture in both color schemes. The pointer and the focus leave no trace in it."""
    await page.mouse.move(0, 0)
    await page.evaluate("document.activeElement?.blur()")
    for scheme, ending in (("dark", "-dark"), ("light", "")):
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        path = FOLDER / f"{name}{ending}.png"
        size = len(await what.screenshot(path=path))
        assert size <= _LARGEST, f"{path.name} has {size:,} bytes, more than {_LARGEST:,}"


if __name__ == "__main__":
    if CHROMIUM is None:
        sys.exit("The pictures need Chromium: install the package `chromium`.")
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(main())
