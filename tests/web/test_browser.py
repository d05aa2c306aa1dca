"""The unsubscribe page in a real browser, which holds it to its own policy."""

import pytest
from playwright.async_api import async_playwright, expect

from bot.services.mail.links import Links
from tests.demo.browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM
from tests.machine import limit
from tests.web.conftest import ANA, Site, Wishes

pytestmark = [pytest.mark.slow, NEEDS_CHROMIUM, pytest.mark.timeout(240)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_person_unsubscribes_on_a_phone_and_takes_it_back(
    page: Site, links: Links, wishes: Wishes, scheme: str
) -> None:
    address = page.url("/u/" + links.url(ANA, 1).rsplit("/u/", 1)[1])
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(viewport={"width": 390, "height": 700}, locale="de-DE")
        context.set_default_timeout(limit(30_000))
        expect.set_options(timeout=limit(5_000))
        tab = await context.new_page()
        await tab.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))

        await tab.goto(address)
        button = tab.get_by_role("button", name="Abmelden")
        assert wishes.unsubscribed == set()
        width, room, colour = await tab.evaluate(
            "[document.documentElement.scrollWidth, innerWidth, getComputedStyle(document.querySelector('h1')).color]"
        )
        assert width == room
        assert colour == ("rgb(255, 255, 255)" if scheme == "dark" else "rgb(0, 0, 0)")
        size = await button.bounding_box()
        assert size is not None
        assert size["height"] >= 44

        await button.press("Enter")
        await expect(tab.get_by_role("heading", name="Sie sind abgemeldet.")).to_be_visible()
        assert wishes.unsubscribed == {ANA}
        await tab.reload()  # a browser asks before it sends a form again; in here it does at once
        assert wishes.unsubscribed == {ANA}
        await tab.get_by_role("button", name="Wieder anmelden").click()
        await expect(tab.get_by_role("heading", name="Sie sind wieder angemeldet.")).to_be_visible()
        assert wishes.unsubscribed == set()
        assert await context.cookies() == []
        assert said == []
        await browser.close()
