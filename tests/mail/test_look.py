"""How a mail looks where it is read: in a browser, by day and by night. Pictures are left in artifacts/."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, async_playwright

from tests.demo.browser import CHROMIUM, FLAGS, NEEDS_CHROMIUM
from tests.mail.test_golden import arrived

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
    pytest.mark.timeout(120),
]

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
READABLE = 4.5
"""The contrast that WCAG 2.2 asks for (AA)."""

# The contrast of each element that has words of its own; opacity thins the ink, that of its parents too.
_CONTRASTS = """() => {
  const pen = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => rgb.slice(0, 3)
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.background = "Canvas";
  const canvas = rgba(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const worded = [...document.body.querySelectorAll("*")]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return worded.map((element) => {
    let opacity = 1;
    let ground = canvas;
    for (let each = element; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      opacity *= Number(style.opacity);
      if (rgba(style.backgroundColor)[3]) ground = rgba(style.backgroundColor);
    }
    const ink = rgba(getComputedStyle(element).color).map((each, at) => each * opacity + ground[at] * (1 - opacity));
    const [dark, bright] = [light(ink), light(ground)].sort((one, other) => one - other);
    return [element.textContent.trim().slice(0, 40), (bright + 0.05) / (dark + 0.05), light(canvas)];
  });
}"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """A phone's width, with no network to ask."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.context.set_offline(True)
        yield page
        await browser.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
async def test_every_word_can_be_read_by_day_and_by_night(page: Page, mode: Literal["light", "dark"]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.emulate_media(color_scheme=mode)
    ARTIFACTS.mkdir(exist_ok=True)
    for id_ in ("welcome", "trial-ending.de"):
        link = '<p><a href="https://vendor.example/guide">a link that a person put in</a></p>\n<hr'
        await page.set_content(arrived(id_).html.replace("<hr", link, 1))
        await page.screenshot(path=ARTIFACTS / f"mail-{id_}-{mode}.png", full_page=True)
        found = await page.evaluate(_CONTRASTS)
        assert len(found) > 5
        for words, contrast, canvas in found:
            assert (canvas < 0.2) == (mode == "dark")
            assert contrast >= READABLE, words
    assert asked == []


async def test_a_word_that_is_wider_than_the_phone_is_broken(page: Page) -> None:
    await page.set_content(arrived("welcome").html.replace("Roadmap", "R" * 150))

    assert not await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
