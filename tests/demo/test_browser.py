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

from tests.machine import limit

ARTIFACTS = Path(__file__).parent.parent.parent / "artifacts"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

AGREED = "They agreed to receive email from us"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="needs a Chromium; CI has one"),
    pytest.mark.timeout(240),
]


@pytest.fixture
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The demo, started in an empty folder and ended with Ctrl-C; as fast as the test says."""
    speed = getattr(request, "param", 1)
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", "--no-browser", "--port", "0", "--speed", str(speed),
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert demo.stdout is not None
    found = re.search(r"http://\S+", (await demo.stdout.readline()).decode())
    assert found is not None
    yield found[0]
    demo.send_signal(signal.SIGINT)
    rest, _ = await asyncio.wait_for(demo.communicate(), timeout=limit(10))
    assert demo.returncode == 0
    assert b"Traceback" not in rest


@pytest.fixture
async def page(url: str) -> AsyncIterator[Page]:
    """The page, opened."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await browser.new_context(viewport={"width": 1440, "height": 1000}, reduced_motion="reduce")
        context.set_default_timeout(limit(30_000))
        expect.set_options(timeout=limit(5_000))
        page = await context.new_page()
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


async def _write(page: Page, card: Locator) -> Locator:
    """Open the form of a mail and name the ground that the law of the country asks for."""
    await card.get_by_role("button", name="Email…").click()
    form = page.get_by_role("dialog", name="Write a mail")
    await expect(form.get_by_role("textbox", name="Subject")).to_have_value(re.compile("Your trial of"))
    await form.get_by_role("combobox", name="On what ground").select_option(label=AGREED)
    return form


async def _preview(page: Page, form: Locator) -> Locator:
    await form.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("dialog", name="Is it right?")
    await expect(preview).to_be_visible()
    return preview


async def _do(page: Page, command: str) -> None:
    await page.get_by_role("combobox", name="Command").fill(command)
    await page.keyboard.press("Enter")


async def test_a_newcomer_does_the_whole_job_in_the_browser(page: Page) -> None:
    cards = page.locator("article.message").filter(has=page.get_by_role("button", name="Email…"))
    await expect(cards.first).to_be_visible(timeout=limit(60_000))
    await _photo(page, "1-first-card")
    first = _card(page, await cards.first.get_by_role("heading").inner_text())
    await first.get_by_role("button", name="Claim").click()
    await expect(first).to_contain_text("Owner: @Ana")

    form = await _write(page, first)
    await _photo(page, "2-email")
    await (await _preview(page, form)).get_by_role("button", name="Send").click()
    await expect(first).to_contain_text("Email sending…")
    await expect(first).to_contain_text("sent Welcome", timeout=limit(20_000))
    await first.get_by_role("button", name="Do not contact…").click()
    form = page.get_by_role("dialog", name="Do not contact")
    await form.get_by_role("combobox", name="Why").select_option(label="They asked us not to email them")
    await _photo(page, "3-do-not-contact")
    await form.get_by_role("button", name="Do not contact").click()
    await expect(first).to_contain_text("They asked us not to email them")
    await expect(first).to_contain_text("Eero Esimerkki · eero@taiga.example (billing)")

    await _do(page, "/evaluators today")
    await expect(_message(page, "in all")).to_be_visible()
    await _photo(page, "4-today")
    await first.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    await _photo(page, "5-thread")


async def test_a_mail_is_chosen_changed_looked_at_taken_back_and_sent(page: Page) -> None:
    card = _card(page, "Taiga")
    await expect(card).to_be_visible(timeout=limit(60_000))
    form = await _write(page, card)
    subject, body = form.get_by_role("textbox", name="Subject"), form.get_by_role("textbox", name="Text")
    await body.fill("These words go when another template comes.")
    await form.get_by_role("combobox", name="Template").select_option(label="Welcome (Deutsch)")
    await expect(subject).to_have_value(re.compile("Ihre Testversion von"))
    await expect(body).to_have_value(re.compile("Guten Tag"))
    await _photo(page, "6-template")
    await form.get_by_role("combobox", name="Template").select_option(label="Welcome")
    await expect(subject).to_have_value(re.compile("Your trial of"))
    await body.fill("Hello **Aino**,\n\nthese are *my* words: [the docs](https://docs.vendor.example/start)\n\nAna")
    await form.get_by_role("radio", name="Eero").check()
    await expect(form.get_by_text("Your text was kept")).to_be_visible()
    await expect(form.get_by_text("Goes to eero@taiga.example")).to_be_visible()
    await expect(body).to_have_value(re.compile("these are .my. words"))
    await _photo(page, "7-own-words")

    preview = await _preview(page, form)
    await expect(preview).to_contain_text("these are")
    await expect(preview.get_by_role("link", name="the docs")).to_be_visible()
    await _photo(page, "8-preview")
    await preview.get_by_role("button", name="Back").click()
    await body.fill(f"{await body.input_value()} Sample")
    preview = await _preview(page, form)
    await expect(preview).to_contain_text("Ana Sample")
    await preview.get_by_role("button", name="Send").click()

    said = _message(page, "On its way to Eero Esimerkki")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(card).to_contain_text("Email sending…")
    await _photo(page, "9-on-its-way")
    await said.get_by_role("button", name="Undo").click()
    await expect(_message(page, "Cancelled. Nothing was sent.")).to_be_visible()
    await expect(said).to_have_count(0)
    await expect(card).not_to_contain_text("Email sending")
    await _photo(page, "10-taken-back")

    form = await _write(page, card)
    await (await _preview(page, form)).get_by_role("button", name="Send").click()
    await expect(card).to_contain_text("sent Welcome", timeout=limit(20_000))
    await expect(page.locator("button.mail")).to_have_count(1)


async def test_whoever_got_the_mail_says_no_by_its_link_and_the_card_follows(page: Page) -> None:
    card = _card(page, "Taiga")
    await expect(card).to_be_visible(timeout=limit(60_000))
    form = await _write(page, card)
    await (await _preview(page, form)).get_by_role("button", name="Send").click()
    await expect(card).to_contain_text("sent Welcome", timeout=limit(20_000))
    await page.get_by_role("tab", name="Mailbox").click()
    await page.locator("button.mail").first.click()
    await page.get_by_text("All headers").click()
    await expect(page.get_by_text("List-Unsubscribe", exact=True)).to_be_visible()
    await _photo(page, "11-headers")
    await page.get_by_text("All headers").click()
    await _photo(page, "12-mail")

    async with page.context.expect_page() as opened:
        await page.frame_locator(".letter iframe").get_by_role("link", name="Unsubscribe").click()
    theirs = await opened.value
    await expect(theirs.get_by_role("heading", name="Unsubscribe from Demo Vendor?")).to_be_visible()
    await _photo(theirs, "13-unsubscribe")
    await theirs.get_by_role("button", name="Unsubscribe").click()
    await expect(theirs.get_by_role("heading", name="You’re unsubscribed.")).to_be_visible()
    await _photo(theirs, "14-unsubscribed")
    await expect(card).to_contain_text("Do not contact: They unsubscribed")
    await expect(card).to_contain_text("Eero Esimerkki · eero@taiga.example (billing)")
    await card.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    await card.scroll_into_view_if_needed()
    await _photo(page, "15-the-card-follows")
    await theirs.get_by_role("button", name="Resubscribe").click()
    await expect(theirs.get_by_role("heading", name="You’re subscribed again.")).to_be_visible()
    await expect(card.get_by_role("button", name="Email…")).to_be_visible()


async def test_a_colleague_marks_the_domain_while_the_mail_is_looked_at_and_it_does_not_go(
    page: Page, url: str
) -> None:
    card = _card(page, "Slow Sample Foundry")
    await expect(card).to_be_visible(timeout=limit(60_000))
    preview = await _preview(page, await _write(page, card))
    bens = await page.context.new_page()
    await bens.goto(f"{url}/?as=U0BEN")
    await _do(bens, "/evaluators dnc add @slow.example Their lawyer called")
    form = bens.get_by_role("dialog")
    await form.get_by_role("combobox", name="Why").select_option(label="Legal reasons")
    await form.get_by_role("button", name="Block").click()
    await expect(_message(bens, "Nobody can email anyone at slow.example from here.")).to_be_visible()
    await expect(_card(bens, "Slow Sample Foundry")).to_contain_text("Do not contact anyone at slow.example")
    await _do(bens, "/evaluators dnc")
    await expect(_message(bens, "1 entry")).to_be_visible()
    await _photo(bens, "16-domain")
    await preview.get_by_role("button", name="Send").click()
    await expect(_message(page, "This address is on the do-not-contact list.").first).to_be_visible()
    await _photo(page, "17-refused")


async def test_the_keyboard_is_enough(page: Page) -> None:
    button = page.get_by_role("button", name="Email…").first
    await button.focus(timeout=limit(60_000))
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


@pytest.mark.parametrize("url", [10], indirect=True)
async def test_the_story_brings_every_kind_of_evaluator_and_nobody_is_mentioned(page: Page) -> None:
    for words in (
        "Sandbox site",
        "Data Center",
        "Through",
        "forgotten at their request",
        "Rocket",
        "They bought the app",
        "(was ",
    ):
        await expect(_message(page, words).first).to_be_visible(timeout=limit(110_000))
    await expect(page.locator(".broadcast")).to_have_count(0)
    await page.set_viewport_size({"width": 390, "height": 844})
    await _photo(page, "18-narrow")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 1440, "height": 1000})
    await _photo(page, "19-dark")
