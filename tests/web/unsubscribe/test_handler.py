"""The page behind the unsubscribe link, met as people, mail programs, scanners and strangers meet it."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from yarl import URL

from bot.concurrency.rate_limit import Rate
from bot.security import keyring as keys_module
from bot.security.keyring import Keyring
from bot.services.mail.links import Link, Links
from bot.web.documents import POLICY
from bot.web.unsubscribe import handler
from bot.web.unsubscribe.handler import UnsubscribePage
from tests.web.conftest import ANA, SECRET, Clock, Site, Wishes, site

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.fixture
def path(links: Links) -> str:
    """Ana's link, as far as it concerns us."""
    return "/u/" + links.url(ANA, 12).rsplit("/u/", 1)[1]


async def ask(here: Site, method: str, path: str, **options: object) -> tuple[int, dict[str, str], str]:
    """The status, the headers but for the date, and the body of an answer; redirects are not followed."""
    async with here.session.request(method, here.url(path), allow_redirects=False, **options) as answer:  # type: ignore[arg-type]  # any option of a request
        headers = {name: value for name, value in answer.headers.items() if name != "Date"}
        return answer.status, headers, await answer.text()


async def test_whatever_looks_at_a_link_changes_nothing(page: Site, path: str, wishes: Wishes) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        for query in ("", "?again=1", "?List-Unsubscribe=One-Click"):
            await ask(page, method, path + query, headers={"Purpose": "prefetch"})

    assert wishes.times == 0


async def test_the_page_says_whose_mail_it_is_about_and_what_the_button_does(page: Site, path: str) -> None:
    status, _, text = await ask(page, "GET", path)

    assert status == 200
    assert "<h1>Unsubscribe from Demo Vendor?</h1>" in text
    assert "a•••@acme.example" in text
    assert ANA not in text
    assert text.count("<form ") == text.count("<button") == 1
    assert "<a " not in text
    assert "http" not in text


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param(FORM, ONE_CLICK, id="urlencoded"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=b"}, MULTIPART, id="multipart"),
    ],
)
async def test_one_click_unsubscribes_and_answers_in_a_word(
    page: Site, path: str, wishes: Wishes, headers: dict[str, str], body: str | bytes
) -> None:
    status, answered, text = await ask(page, "POST", path, data=body, headers=headers)

    assert (status, answered["Content-Type"], text) == (200, "text/plain; charset=utf-8", "Unsubscribed.\n")
    assert wishes.unsubscribed == {ANA}


@pytest.mark.parametrize("body", ["", "x=1", "\x00\xff", "again", "=&=&;%zz", b"--b\r\nnonsense"])
async def test_the_button_unsubscribes_whatever_a_browser_sends_with_it(
    page: Site, path: str, wishes: Wishes, body: str | bytes
) -> None:
    status, _, text = await ask(page, "POST", path, data=body, headers=FORM)

    assert status == 200
    assert wishes.times == 1
    assert ("You’re unsubscribed." in text) is (wishes.unsubscribed == {ANA})
    assert wishes.unsubscribed == (set() if body == "again" else {ANA})


async def test_twice_is_once_and_a_mistake_can_be_taken_back(page: Site, path: str, wishes: Wishes) -> None:
    first = await ask(page, "POST", path)
    assert await ask(page, "POST", path) == first
    assert 'name="again"' in first[2]

    _, _, text = await ask(page, "POST", path, data="again=1", headers=FORM)

    assert "You’re subscribed again." in text
    assert wishes.unsubscribed == set()
    assert "You’re unsubscribed." in (await ask(page, "POST", path))[2]
    assert wishes.unsubscribed == {ANA}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("known", [True, False])
async def test_no_answer_is_kept_shown_elsewhere_or_followed(
    page: Site, path: str, method: str, *, known: bool
) -> None:
    _, headers, _ = await ask(page, method, path if known else "/u/nonsense")

    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert not {"Set-Cookie", "Location"} & headers.keys()


async def test_head_answers_like_get_without_the_page(page: Site, path: str) -> None:
    status, headers, text = await ask(page, "GET", path)

    assert await ask(page, "HEAD", path) == (status, headers, "")
    assert int(headers["Content-Length"]) == len(text.encode())


def forged(path: str) -> dict[str, str]:
    """Links that are none of ours, each made in another way out of one that is."""
    token = path.removeprefix("/u/")
    sealed = urlsafe_b64decode(token + "==")
    other = Links(Keyring(["another key for links, which is long enough"]), public_url="").url(ANA, 12)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    contacts = Keyring([SECRET]).encrypt(f"u 12 {ANA}")
    return {
        "empty": "",
        "cut off": token[:-1],
        "cut off in front": token[1:],
        "half": token[: len(token) // 2],
        "one letter": "A",
        "longer": token + "A",
        "swapped": token[10:] + token[:10],
        "case": token.swapcase(),
        "last letter spelled differently": token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1],
        "tag": urlsafe_b64encode(sealed[:-1] + bytes([sealed[-1] ^ 1])).decode().rstrip("="),
        "nonce": urlsafe_b64encode(bytes([sealed[0] ^ 1]) + sealed[1:]).decode().rstrip("="),
        "text": urlsafe_b64encode(sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]).decode().rstrip("="),
        "only zeros": urlsafe_b64encode(bytes(60)).decode().rstrip("="),
        "another key": other.removeprefix("/u/"),
        "another purpose": urlsafe_b64encode(contacts).decode().rstrip("="),
        "no link": Keyring([SECRET]).token("what else there may be"),
        "an address": ANA,
        "not base64": "%F0%9F%98%80%00%ff",
        "behind another": f"x.{token}",
        "in two": f"{token[:9]}.{token[9:]}",
        "a page": "<script>alert(1)</script>",
        "endless": "A" * 5000,
    }


KINDS = sorted(forged("/u/" + Keyring([SECRET]).token("u 1 x")))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_every_wrong_link_gets_the_same_answer_to_the_byte(
    page: Site, path: str, wishes: Wishes, method: str
) -> None:
    answers = {kind: await ask(page, method, "/u/" + token) for kind, token in forged(path).items()}

    expected = answers["another key"]
    assert expected[0] == 404
    assert ("This link doesn’t work." in expected[2]) is (method != "HEAD")
    assert {kind for kind, answer in answers.items() if answer != expected} == set()
    assert wishes.times == 0


AROUND = ".)>\",';:!?]}*=/&\\"
ESCAPED = "%22 %3E %29. ). == &gt; &quot; &gt;. %C2%A0 %E2%80%8B %20 %0D%0A %E2%80%9D %C2%BB %00 <br> %3C/a%3E".split()


@pytest.mark.parametrize("behind", [*AROUND, *ESCAPED])
async def test_what_is_left_around_a_link_does_it_no_harm(page: Site, path: str, wishes: Wishes, behind: str) -> None:
    for around in (path + behind, path.replace("/u/", "/u/%3C") + behind):
        url = URL(page.url("") + around, encoded=True)
        async with page.session.get(url) as shown, page.session.post(url) as done:
            assert (shown.status, done.status) == (200, 200)
            assert "a•••@acme.example" in await shown.text()
    assert wishes.unsubscribed == {ANA}


def test_no_letter_of_a_link_can_be_another(links: Links, path: str) -> None:
    token = path.removeprefix("/u/")
    changed = [
        token[:place] + letter + token[place + 1 :] for place in range(len(token)) for letter in "AZaz09-_" + "=é "
    ]

    assert [each for each in changed if each != token and links.read(each) is not None] == []


class Counting:
    """A cipher that counts how often it was asked to open something."""

    opened = 0

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def encrypt(self, nonce: bytes, text: bytes, more: None) -> bytes:
        return self._cipher.encrypt(nonce, text, more)

    def decrypt(self, nonce: bytes, sealed: bytes, more: None) -> bytes:
        Counting.opened += 1
        return self._cipher.decrypt(nonce, sealed, more)


@pytest.mark.parametrize("kind", KINDS)
def test_every_wrong_link_costs_the_same_work(path: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "AESGCM", Counting)
    links = Links(
        Keyring(["a new key, which is long enough to be one", "and one older still, from long ago"]), public_url=""
    )
    Counting.opened = 0

    assert links.read(forged(path)[kind]) is None
    assert Counting.opened == 2


def test_a_link_outlives_its_mail_and_a_new_key_in_front(path: str) -> None:
    token = path.removeprefix("/u/")

    assert Links(Keyring(["a new key, which is long enough", SECRET]), public_url="").read(token) == Link(
        address=ANA, mail_id=12
    )
    assert Links(Keyring(["a new key, which is long enough"]), public_url="").read(token) is None


@pytest.mark.parametrize("address", [ANA, "ana lima@acme.example", " @ ", "", "jürgen@müller.example", "a" * 254])
def test_a_link_leads_to_the_person_it_was_written_for(links: Links, address: str) -> None:
    url = links.url(address, 7)

    assert url.startswith("https://bot.vendor.example/u/")
    assert "ana" not in url.lower().removeprefix("https://bot.vendor.example/u/") or address != ANA
    assert links.read(url.rsplit("/u/", 1)[1]) == Link(address=address, mail_id=7)
    assert address == "" or address not in repr(links.read(url.rsplit("/u/", 1)[1]))


@pytest.mark.parametrize(
    ("accepted", "heading"),
    [
        ("de-CH,de;q=0.9,en;q=0.8", "E-Mails von Demo Vendor abbestellen?"),
        ("FR-ca", "Vous désabonner"),
        ("es", "¿Darse de baja de los correos de Demo Vendor?"),
        ("en-GB", "Unsubscribe from Demo Vendor?"),
        ("ja, *;q=0.5", "Unsubscribe from Demo Vendor?"),
        ("en;q=0.1, de;q=0.2", "E-Mails von Demo Vendor abbestellen?"),
        ("de;q=0", "Unsubscribe from Demo Vendor?"),
        ("de;q=nonsense, fr;q=0.3", "Vous désabonner"),
        ("", "Unsubscribe from Demo Vendor?"),
        (",;q=;,-,*" * 100, "Unsubscribe from Demo Vendor?"),
    ],
)
async def test_the_page_is_in_the_language_of_the_reader(page: Site, path: str, accepted: str, heading: str) -> None:
    _, headers, text = await ask(page, "GET", path, headers={"Accept-Language": accepted})

    assert f"<h1>{heading}" in text
    assert f'<html lang="{headers["Content-Language"]}">' in text
    assert headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
async def test_no_page_leaves_a_gap_in_any_language(page: Site, path: str, wishes: Wishes, language: str) -> None:
    spoken = {"Accept-Language": language}
    pages = [
        await ask(page, "GET", path, headers=spoken),
        await ask(page, "POST", path, headers=spoken),
        await ask(page, "POST", path, headers=spoken | FORM, data="again=1"),
        await ask(page, "GET", "/u/nonsense", headers=spoken),
    ]
    wishes.out_of_order = True
    pages.append(await ask(page, "POST", path, headers=spoken))

    assert [status for status, _, _ in pages] == [200, 200, 200, 404, 503]
    assert [text for _, _, text in pages if "$" in text] == []
    assert all("a•••@acme.example" in text for _, _, text in pages[:3])
    assert len({text for _, _, text in pages}) == 5


@pytest.mark.parametrize(
    "address",
    [
        '"><script>alert(1)</script>@acme.example',
        "a@<img src=x onerror=alert(1)>",
        "a@$sender.${title}.example",
        "a@\u202egnp.example",
        "&lt;@&amp;.example",
    ],
)
async def test_an_address_is_text_whatever_stands_in_it(page: Site, links: Links, address: str) -> None:
    path = "/u/" + links.url(address, 1).rsplit("/u/", 1)[1]

    for method in ("GET", "POST"):
        _, _, text = await ask(page, method, path)
        assert "<script" not in text
        assert "<img" not in text
        assert "a@" not in text
        shown = text.partition('<bdi dir="ltr"><strong>')[2].partition("</strong></bdi>")[0]
        assert shown
        assert "<" not in shown


async def test_who_tries_links_out_is_slowed_down_and_takes_no_turn_from_others(
    tmp_path: Path, links: Links, wishes: Wishes, clock: Clock, path: str
) -> None:
    rare = Rate(interval=10, burst=2)
    unsubscribing = UnsubscribePage(links, wishes, sender="Demo Vendor", clock=clock, visits=rare, guesses=rare)
    async with site(tmp_path, pages=[unsubscribing]) as here:
        guesses = [await ask(here, "GET", f"/u/{number}") for number in range(4)]
        assert [status for status, _, _ in guesses] == [404, 404, 429, 429]
        assert guesses[3][1]["Retry-After"] == "10"
        assert "Please try again in a minute" in guesses[3][2]

        visits = [await ask(here, method, path) for method in ("GET", "POST", "POST")]
        assert [status for status, _, _ in visits] == [200, 200, 429]
        assert wishes.times == 1

        another = "/u/" + links.url("bo@acme.example", 13).rsplit("/u/", 1)[1]
        assert [(await ask(here, "POST", another))[0] for _ in range(3)] == [200, 200, 429]

        clock.now += 10
        assert (await ask(here, "POST", path))[0] == 200
        assert (await ask(here, "GET", "/u/5"))[0] == 404


async def test_of_many_links_those_are_forgotten_first_that_were_away_longest(
    tmp_path: Path, links: Links, wishes: Wishes, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_MOST_LINKS", 2)
    paths = ["/u/" + links.url(ANA, number).rsplit("/u/", 1)[1] for number in range(3)]
    visits = Rate(interval=10, burst=1)
    async with site(tmp_path, pages=[UnsubscribePage(links, wishes, sender="", clock=clock, visits=visits)]) as here:
        found = [(await ask(here, "GET", paths[number]))[0] for number in (0, 1, 0, 2, 0, 1)]

    assert found == [200, 200, 429, 200, 429, 200]


async def test_a_form_is_small(page: Site, path: str, wishes: Wishes) -> None:
    assert (await ask(page, "POST", path, data=b"x" * 4096))[0] == 200
    assert (await ask(page, "POST", path, data=b"x" * 4097))[0] == 413
    assert wishes.times == 1


async def test_what_could_not_be_written_down_is_said_and_can_be_tried_again(
    page: Site, path: str, wishes: Wishes
) -> None:
    wishes.out_of_order = True
    status, headers, text = await ask(page, "POST", path, data=ONE_CLICK, headers=FORM)
    assert (status, headers["Retry-After"]) == (503, "60")
    assert "That didn’t work." in text
    assert "disk" not in text

    wishes.out_of_order = False
    assert (await ask(page, "POST", path, data=ONE_CLICK, headers=FORM))[0] == 200
    assert wishes.unsubscribed == {ANA}


async def test_many_at_once_are_each_answered(page: Site, path: str, wishes: Wishes) -> None:
    answers = await asyncio.gather(*(ask(page, "POST", path) for _ in range(20)))

    assert {status for status, _, _ in answers} == {200}
    assert wishes.unsubscribed == {ANA}


async def test_nothing_of_a_link_reaches_the_log(page: Site, path: str, logged: Callable[[], str]) -> None:
    await ask(page, "POST", path)
    await ask(page, "POST", "/u/nonsense-of-somebody")

    said = logged()
    assert "unsubscribed" in said
    assert "mail=12" in said
    assert not [word for word in (ANA, "acme", path[3:], "nonsense") if word in said]


async def test_without_somebody_to_write_it_down_there_is_no_page(tmp_path: Path) -> None:
    async with site(tmp_path) as here, aiohttp.ClientSession() as session:
        for path in ("/u/x", "/bounces"):
            async with session.post(here.url(path)) as answer:
                assert answer.status == 404
