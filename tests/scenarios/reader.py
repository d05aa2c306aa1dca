"""Somebody who got a mail, and what their mail program does with it."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from bot.demo.fake_smtp import Mail
from tests.world import World

PUBLIC_URL = "https://bot.vendor.example"
"""Where the world would find the bot; on the way a proxy hands it on to the port that the bot listens on."""
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def unsubscribe_link(mail: Mail) -> str:
    """The address that the header names, which is the one in the words, too."""
    [link] = re.findall(r"<(https://[^>]+)>", mail["headers"]["List-Unsubscribe"])
    assert link in mail["text"]
    assert link in (mail["html"] or "")
    return str(link)


def links(mail: Mail) -> set[str]:
    """Every address of ours that stands anywhere in a mail."""
    complete = " ".join([mail["text"], mail["html"] or "", *mail["headers"].values()])
    return set(re.findall(rf"{re.escape(PUBLIC_URL)}[^\s\"'<>,)]*", complete))


async def visit(
    here: World, link: str, *, method: str = "GET", form: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Ask for a page of the bot's, or send its form; the status, and what it says."""
    assert link.startswith(PUBLIC_URL)
    url = f"http://127.0.0.1:{here.port}{urlsplit(link).path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=form, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text()


async def press(here: World, link: str, page: str) -> str:
    """Press the button of a page, as a browser would; the page that comes then."""
    [name] = re.findall(r'<button[^>]*?(?: name="(\w+)" value="1")?>', page)
    status, shown = await visit(here, link, method="POST", form={name: "1"} if name else {})
    assert status == 200
    return shown
