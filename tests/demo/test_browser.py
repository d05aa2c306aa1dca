"""The demo as a newcomer meets it: `evaluator-bot demo`, a browser, and everything there is to press.

One demo and one browser serve all tests. Each test has a window of its own, and a card that no other test changes.
"""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.demo import browser
from tests.demo.browser import (
    NARROW,
    card,
    choose,
    close,
    close_all,
    command,
    message,
    opened,
    press_send,
    preview,
    seen,
    send,
    unsubscribe_page,
    write,
)
from tests.machine import limit

SPEED = 12

pytestmark = [
    pytest.mark.slow,
    browser.NEEDS_CHROMIUM,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, started in an empty folder and ended with Ctrl-C."""
    with browser.started(tmp_path_factory.mktemp("demo"), speed=SPEED) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """The browser."""
    async with browser.chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium: Browser, url: str) -> AsyncIterator[Page]:
    """A window of a person who comes for the first time."""
    page = await opened(chromium, url)
    yield page
    await close_all(page)
    await page.context.close()


async def test_a_newcomer_claims_emails_and_unsubscribes_and_the_card_follows(page: Page) -> None:
    kiwi = await seen(page, "Kiwi")
    await kiwi.get_by_role("button", name="Claim").click()
    await expect(kiwi).to_contain_text("Owner: @Ana")
    await send(page, kiwi)
    await expect(kiwi).to_contain_text("sent Welcome", timeout=limit(20_000))
    theirs = await unsubscribe_page(page)
    await theirs.get_by_role("button", name="Unsubscribe").click()
    await expect(kiwi).to_contain_text("They unsubscribed")
    await expect(kiwi.get_by_role("button", name="Email…")).to_have_count(0)
    await kiwi.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    await expect(page.get_by_role("tabpanel", name="Thread")).to_contain_text("unsubscribed")
    await expect(page.get_by_role("listitem").filter(has_text="Tried: ")).to_have_count(3)
    await theirs.get_by_role("button").click()
    await expect(kiwi.get_by_role("button", name="Email…")).to_be_visible()


async def test_an_email_is_chosen_changed_previewed_undone_and_sent(page: Page) -> None:
    taiga = await seen(page, "Taiga")
    form = await write(page, taiga)
    subject, body = form.get_by_role("textbox", name="Subject"), form.get_by_role("textbox", name="Text")
    template = form.get_by_role("combobox", name="Template")
    await body.fill("These words stay in the menu when another template comes.")
    await template.select_option(label="Welcome (Deutsch)")
    await expect(subject).to_have_value(re.compile("Ihre Testversion von"))
    await template.select_option(label="Your text: Welcome")
    await expect(body).to_have_value(re.compile("stay in the menu"))
    await template.select_option(label="Welcome")
    await expect(body).not_to_have_value(re.compile("stay in the menu"))
    await expect(subject).to_have_value(re.compile("Your trial of"))
    await body.fill("Hello **Aino**,\n\nthese are *my* words: [the docs](https://docs.vendor.example/start)\n\nAna")
    await form.get_by_role("radio", name="Eero").check()
    await expect(form).to_contain_text("eero@taiga.example")
    await expect(body).to_have_value(re.compile("these are .my. words"))

    shown = await preview(page, form)
    await expect(shown.get_by_role("link", name="the docs")).to_be_visible()
    await shown.get_by_role("button", name="Back").click()
    await body.fill("Hello {{ contact }}," + 20 * "\n\na long email")
    await form.get_by_role("button", name="Preview").click()
    await expect(form.get_by_text("Please fill in or remove “{{ contact }}”.")).to_be_in_viewport(ratio=0.9)
    await body.fill("Hello Eero, these are other words.")
    shown = await preview(page, form)
    await expect(shown).to_contain_text("these are other words")
    window = await press_send(page, shown)
    await expect(window).to_contain_text("Sending to Eero Esimerkki in")
    await window.get_by_role("button", name="Undo").click()
    await expect(window).to_contain_text("Nothing was sent.")
    await expect(window.get_by_role("button", name="Undo")).to_have_count(0)
    await close(page)

    await send(page, taiga)
    await expect(taiga).to_contain_text("sent Welcome", timeout=limit(20_000))
    await expect(page.get_by_role("tabpanel", name="Mailbox").get_by_role("button", name="aino@taiga")).to_have_count(1)
    await taiga.get_by_role("button", name="Do not contact…").click()
    reason = page.get_by_role("dialog", name="Do not contact")
    await reason.get_by_role("combobox", name="Why").select_option(index=1)
    await reason.get_by_role("button", name="Block").click()
    await expect(taiga).to_contain_text("Do not contact")
    await expect(taiga.get_by_role("button", name="Email…")).to_be_visible()


async def test_a_colleague_blocks_the_domain_during_the_preview_and_nothing_is_sent(page: Page, url: str) -> None:
    slow = await seen(page, "Slow Sample Foundry")
    shown = await preview(page, await write(page, slow))
    bens = await page.context.new_page()
    await bens.goto(f"{url}/?as=U0BEN")
    await command(bens, "/evaluators dnc add @slow.example Their lawyer called")
    reason = bens.get_by_role("dialog")
    await reason.get_by_role("combobox", name="Why").select_option(label="Legal reasons")
    await reason.get_by_role("button", name="Block").click()
    await expect(card(bens, "Slow Sample Foundry")).to_contain_text("slow.example")
    await expect(card(bens, "Slow Sample Foundry").get_by_role("button", name="Email…")).to_have_count(0)
    await shown.get_by_role("button", name="Send").click()
    window = page.get_by_role("dialog", name="Evaluator Bot")
    await expect(window).to_contain_text("This address is on the do-not-contact list.")
    await expect(slow.get_by_role("button", name="Email…")).to_have_count(0)
    await expect(slow).not_to_contain_text("sent Welcome")


async def test_the_team_notes_snoozes_and_says_done_or_not_for_us_and_undoes_it(page: Page) -> None:
    helix = await seen(page, "Helix")
    await choose(page, helix, "Note…")
    note = page.get_by_role("dialog", name="Add a note")
    await note.get_by_role("textbox", name="Note").fill("They want a *demo*\non Friday")
    await note.get_by_role("button", name="Add note").click()
    await helix.get_by_role("button", name=re.compile(r"\d+ repl")).click()
    thread = page.get_by_role("tabpanel", name="Thread")
    await expect(thread.get_by_text("They want a *demo*")).to_have_text("They want a *demo*\non Friday")

    await choose(page, helix, "Snooze…")
    snooze = page.get_by_role("dialog", name="Snooze")
    await snooze.get_by_role("radio", name="Pick…").check()
    picker = snooze.get_by_label("Date and time")
    await expect(picker).to_have_value(re.compile(r"T\d\d:00$"))
    await picker.fill("2020-01-01T09:00")
    await snooze.get_by_role("button", name="Snooze").click()
    await expect(snooze).to_contain_text("This time is over.")
    await snooze.get_by_role("radio", name="1 hour").check()
    await expect(picker).to_have_count(0)
    await snooze.get_by_role("button", name="Snooze").click()
    await expect(helix).to_contain_text("Snoozed by @Ana")
    await choose(page, helix, "Undo")
    await expect(helix).not_to_contain_text("Snoozed")

    await choose(page, helix, "Done")
    await expect(helix).to_contain_text("Done: @Ana spoke to them elsewhere")
    await choose(page, helix, "Undo")
    await expect(helix).not_to_contain_text("spoke to them")
    await choose(page, helix, "Not for us…")
    reason = page.get_by_role("dialog", name="Not for us")
    await reason.get_by_role("radio", name="Competitor").check()
    await reason.get_by_role("button", name="Not for us").click()
    await expect(helix).to_contain_text("Not for us: competitor (@Ana)")
    await choose(page, helix, "Undo")
    await expect(helix).not_to_contain_text("Not for us")


async def test_an_open_menu_stays_open_when_its_card_is_drawn_again(page: Page) -> None:
    mirage = await seen(page, "Mirage")
    more = mirage.get_by_role("button", name="More actions")
    await more.click()
    await mirage.get_by_role("button", name="Claim").dispatch_event(
        "click"
    )  # which closes no menu, as a real one would
    await expect(mirage).to_contain_text("Owner: @Ana")
    await page.get_by_role("menuitem", name="Note…").click()
    await expect(page.get_by_role("dialog", name="Add a note")).to_be_visible()
    await close(page)
    await expect(more).to_be_focused()


async def test_a_report_has_charts_and_a_table_that_can_be_sorted(page: Page) -> None:
    await seen(page, "Kiwi")
    await command(page, "/evaluators report")
    report = message(page, "Conversion · since")
    chart = report.get_by_role(
        "img", name=re.compile("^Mature trials and purchases by app. .+: Mature \\d+, Bought \\d+")
    )
    await expect(chart.locator("rect")).to_have_count(6)
    table = report.get_by_role("table", name="Trials by app")
    first = table.get_by_role("rowheader").first
    await table.get_by_role("button", name="App").click()
    await expect(first).to_have_text("Paper Trail for Confluence")
    await table.get_by_role("button", name="App").click()
    await expect(first).to_have_text("Sprint Lanterns for Jira")


async def test_a_trial_is_claimed_from_home_and_a_report_is_asked_for(page: Page) -> None:
    await seen(page, "Veiled")
    await page.get_by_role("button", name="Home tab").click()
    home = page.get_by_role("region", name="Home tab")
    row = home.locator(".section").filter(has_text="Veiled").filter(has=page.get_by_role("button", name="Claim"))
    await row.get_by_role("button", name="Claim").click()
    await expect(row).to_have_count(0, timeout=limit(20_000))
    mine = home.locator(".section").filter(has_text="• Veiled")
    await expect(mine).to_contain_text("@Ana")
    await expect(home.get_by_role("img", name=re.compile("^New trials of the last 30 days"))).to_be_visible()
    await home.get_by_role("button", name="Report…").click()
    form = page.get_by_role("dialog", name="Report")
    await form.get_by_role("radio", name=re.compile("How long until")).check()
    await form.get_by_role("button", name="Send to me").click()
    await page.get_by_role("button", name="Home tab").click()
    await expect(message(page, "Speed · since")).to_be_visible()
    await expect(card(page, "Veiled")).to_contain_text("Owner: @Ana")


async def test_an_email_to_somebody_who_left_bounces(page: Page) -> None:
    mirage = await seen(page, "Mirage")
    await send(page, mirage)
    await expect(mirage).to_contain_text("Emails to this address bounced", timeout=limit(25_000))
    await expect(mirage.get_by_role("button", name="Email…")).to_have_count(0)


async def test_the_keyboard_is_enough_and_an_answer_comes_into_sight(page: Page) -> None:
    await seen(page, "Kiwi")
    button = page.get_by_role("button", name="Email…").first
    await button.focus()
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog")
    await expect(form.get_by_role("textbox", name="Subject")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()
    await expect(page.get_by_role("button", name="Email…").first).to_be_focused()
    await page.get_by_role("region", name="Messages").evaluate("node => node.scrollTop = 0")
    await page.get_by_role("combobox", name="Command").focus()
    await page.keyboard.type("/evaluators health")
    await page.keyboard.press("Enter")
    await expect(message(page, "Only visible to you").last).to_be_in_viewport(ratio=0.9)


async def test_the_hints_are_ticked_off_and_stay_away_once_hidden(page: Page) -> None:
    tried = page.get_by_role("listitem").filter(has_text="Tried: ")
    hints = page.get_by_role("region", name="What to try")
    await command(page, "/evaluators today")
    await expect(tried.filter(has_text="List and find")).to_be_visible()
    await page.reload()
    await expect(tried.filter(has_text="List and find")).to_be_visible()
    await hints.get_by_role("button", name="Hide").click()
    await page.reload()
    await expect(page.get_by_role("button", name="What to try")).to_be_visible()
    await expect(hints).to_be_hidden()


async def test_a_customer_is_found_by_a_shortcut_and_by_the_menu_of_a_message(page: Page) -> None:
    alpen = await seen(page, "Alpen")
    await page.get_by_role("button", name="Shortcuts", exact=True).click()
    await page.get_by_role("menuitem", name="Find an evaluator").click()
    window = page.get_by_role("dialog")
    await window.get_by_role("textbox").fill("alpen state:running")
    await window.get_by_role("button", name="Find").click()
    await expect(window.get_by_role("link", name=re.compile("Alpen"))).to_be_visible()
    await close(page)
    await alpen.get_by_role("button", name="Message shortcuts").click()
    await page.get_by_role("menuitem", name="Who is this?").click()
    await expect(window.get_by_role("link", name=re.compile("Alpen"))).to_be_visible()
    await close(page)


async def test_every_arrival_gets_one_card_and_nobody_is_mentioned(page: Page) -> None:
    for company in ("Mosaic", "Helix", "Andes", "Quiet", "Veiled", "Atlas", "<!channel> Rocket", "Kiwi"):
        await seen(page, company)
    await expect(card(page, "Alpen")).to_have_count(1)
    await expect(page.locator(".broadcast")).to_have_count(0)


async def _small(places: Locator) -> list[str]:
    """The visible ones that a finger could miss, with their size."""
    script = """nodes => nodes
        .map(node => [node, (node.closest("label.choice, .actors label") ?? node).getBoundingClientRect()])
        .filter(([node, box]) => node.checkVisibility({ visibilityProperty: true }) && box.width > 1)
        .filter(([_, box]) => box.width < 44 || box.height < 44)
        .map(([node, box]) => `${node.outerHTML.slice(0, 80)} ${box.width} x ${box.height}`)"""
    found: list[str] = await places.evaluate_all(script)
    return found


async def test_everything_to_press_is_44_pixels_large_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": NARROW, "height": 844})
    andes = await seen(page, "Andes")
    await command(page, "/evaluators help")
    await expect(message(page, "Only visible to you").last).to_be_in_viewport()
    await page.get_by_role("button", name="What to try").click()
    await expect(page.get_by_role("combobox", name="Command")).to_be_in_viewport(ratio=1)
    controls = page.locator("button, select, input, textarea, summary")
    assert await _small(controls) == []
    await page.get_by_role("button", name="Mailbox").click()
    assert await _small(controls) == []
    await page.get_by_role("button", name="Close the panel").click()
    await write(page, andes)
    assert await _small(controls) == []
    overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


needs_axe = pytest.mark.skipif(
    browser.axe() is None, reason="needs axe-core: npm install axe-core, or its path in AXE_JS"
)


@needs_axe
async def test_axe_finds_nothing_serious(page: Page) -> None:
    alpen = await seen(page, "Alpen")
    await command(page, "/evaluators today")
    await command(page, "/evaluators report")
    await expect(message(page, "Conversion · since")).to_be_visible()
    assert await _violations(page) == []
    await page.get_by_role("button", name="Home tab").click()
    await expect(page.get_by_role("region", name="Home tab").get_by_role("button", name="Find…")).to_be_visible()
    assert await _violations(page) == []
    await page.get_by_role("button", name="Home tab").click()
    form = await write(page, alpen)
    assert await _violations(page) == []
    shown = await preview(page, form)
    assert await _violations(page) == []
    await press_send(page, shown)
    assert await _violations(page) == []
    await close(page)
    await expect(alpen).to_contain_text("sent Welcome", timeout=limit(20_000))
    assert await _violations(await unsubscribe_page(page)) == []


@needs_axe
async def test_axe_finds_nothing_serious_in_the_window_of_an_app(page: Page) -> None:
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="a customer's site").click()
    site = await opening.value
    await site.evaluate("sessionStorage.setItem('app', 'installed')")
    await site.reload()
    await site.get_by_text("Questions or feedback?").click()
    await site.get_by_label("Your message").fill("Is this for everybody?")
    await site.get_by_role("button", name="Send").click()
    await expect(site.get_by_role("log")).to_contain_text("everybody")
    assert await _violations(site) == []


async def _violations(page: Page) -> list[str]:
    """What axe finds in light and in dark that is serious or critical, by rule and place."""
    script = browser.axe()
    assert script is not None
    await page.evaluate(script.read_text())
    found = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        found += (await page.evaluate("axe.run()"))["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]


async def test_two_people_talk_one_in_slack_and_one_in_the_app(page: Page) -> None:
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="a customer's site").click()
    site = await opening.value
    await site.clock.install()
    await site.reload()
    await site.get_by_role("button", name="Install", exact=True).click()
    orchard = await seen(page, "orchard-example")
    await expect(orchard).to_contain_text("license")
    window = site.get_by_role("group")
    await site.get_by_text("Questions or feedback?").click()
    for turn in (1, 2):
        await site.get_by_label("Your message").fill(f"Question {turn}")
        await site.get_by_role("button", name="Send").click()
        await expect(window).to_contain_text(f"Question {turn}")
        orchard = await seen(page, "Orchard Example")
        await orchard.get_by_role("button", name=re.compile(r"\d+ repl")).click()
        thread = page.get_by_role("tabpanel", name="Thread")
        await expect(thread).to_contain_text(f"Question {turn}")
        await thread.get_by_role("button", name="Answer in the app…").last.click()
        form = page.get_by_role("dialog")
        await form.get_by_label("Your answer").fill(f"Answer {turn}")
        await form.get_by_role("button", name="Answer", exact=True).click()
        await expect(thread).to_contain_text(f"Answer {turn}")
        await site.clock.fast_forward(10_000)  # it looks that often
        await expect(window).to_contain_text(f"Answer {turn}")
    turns = await site.get_by_role("log").get_by_role("listitem").all_inner_texts()
    assert [each.splitlines()[-1] for each in turns] == [
        words for turn in (1, 2) for words in (f"Question {turn}", f"Answer {turn}")
    ]


_WINDOW = """() => {
    const said = [], asked = (status, json = {}) => Promise.resolve({ status, json });
    window.erase = () => said.splice(0);
    evaluatorFeedback({ app: "app", site: "site", send: (method, path, body) => {
        if (method === "GET") return said.length ? asked(200, { messages: said }) : asked(404);
        said.push({ from: "app", text: body.text });
        return asked(202, { conversation: "token" + said.length });
    } });
}"""


async def test_the_window_shows_a_new_conversation_once_the_other_one_is_gone(page: Page) -> None:
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="a customer's site").click()
    site = await opening.value
    await site.clock.install()
    await site.evaluate(_WINDOW)
    await site.get_by_text("Questions or feedback?").last.click()
    shown = site.get_by_role("log").last.get_by_role("listitem")
    for words in ("One", "Two"):
        await site.get_by_label("Your message").last.fill(words)
        await site.keyboard.press("Tab")
        await site.keyboard.press("Enter")
        await expect(shown.last).to_contain_text(words)
    await site.evaluate("erase()")
    await site.clock.fast_forward(10_000)
    await expect(shown).to_have_count(0)
    await site.get_by_label("Your message").last.fill("Three")
    await site.get_by_role("button", name="Send").last.click()
    await expect(shown).to_have_text([re.compile("Three")])
