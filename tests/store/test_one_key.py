"""What earlier versions wrote by another key is found by today's, on both databases."""

import hashlib
import hmac
import json
from datetime import date, datetime, timedelta
from typing import Final

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.domain.dnc import DncEntry, DncTarget
from bot.domain.dnc_reason import DncReason
from bot.domain.mail_policy import RefusalReason, Refused
from bot.errors import StoreError
from bot.security.keyring import Keyring
from bot.store import Store, open_store
from bot.store.schema import do_not_contact, license_, mail, processed_row
from tests.builders import FREELY, NOON, contact, nov
from tests.builders import license_ as a_license
from tests.store.earlier import Row, write_earlier
from tests.store.steps import SECRET, ask, mark, order, report, rows

pytestmark = pytest.mark.migrations

NEWER: Final = "a newer key for tests that is long enough"
SPELT, MULLER = "Ana@Müller.example", "ana@xn--mller-kva.example"
LETTER: Final = {"recipient": "technical", "subject": "Welcome", "body": "Dear Ana", "template": "welcome"}


def former(spelling: str, secret: str = SECRET) -> str:
    """What earlier versions made of an address: of its lower case, and nothing else."""
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"evaluator-bot/addresses").derive(secret.encode())
    return hmac.digest(key, spelling.strip().lower().encode(), hashlib.sha256).hex()[:40]


async def write_as_before(url: str, *inserts: Row) -> None:
    """Make a database of the former schema with these rows."""
    await write_earlier(url, "0002", *inserts)


def a_row(number: int, email: str, key: str, **more: object) -> list[Row]:
    """A license with one contact and a running trial, as earlier versions wrote them."""
    contacts = json.dumps([{"email": email, "name": "Ana", "forgotten": False}, None])
    of_license = {
        "id": number,
        "app_key": "com.example.roadmap",
        "app_name": "Roadmap",
        "hosting": "Cloud",
        "license_type": "EVALUATION",
        "status": "active",
        "starts": nov(20),
        "updated": nov(23),
        "contacts": Keyring([SECRET]).encrypt(contacts),
        "technical_key": key,
        "atlassian": False,
        "migration": False,
        "first_seen": NOON,
        **more,
    }
    trial = {"started": nov(20), "ends": date(2026, 12, 20), "state": "running", "told": nov(23), "first_seen": NOON}
    return [
        ("license", of_license),
        ("license_alias", {"alias": f"E-{number}", "app_key": "com.example.roadmap", "license_id": number}),
        ("evaluation", {"id": number, "license_id": number, **trial}),
    ]


def a_mark(number: int, text: str, key: str, cause: DncReason, **more: object) -> Row:
    scope = "domain" if text.startswith("@") else "address"
    values = {
        "id": number,
        "scope": scope,
        "subject_key": key,
        "subject": Keyring([SECRET]).encrypt(text),
        "cause": cause,
    }
    return "do_not_contact", {**values, "at": NOON + timedelta(minutes=number), **more}


def a_mail(number: int, evaluation_id: int, to: str, key: str, at: datetime = NOON) -> Row:
    content = Keyring([SECRET]).encrypt(json.dumps({**LETTER, "to": to}) if to else "")
    values = {"id": number, "evaluation_id": evaluation_id, "template": f"t{number}", "address_key": key, "at": at}
    values |= {"content": content, "state": "sent", "message_id": f"<{number}@x>", "actor": "U0BO", "settled_at": at}
    return "mail", values


async def standing(store: Store, who: str) -> DncReason | None:
    found = await store.dnc.find_active([DncTarget.of_address(who)])
    return None if found is None else found.reason


async def test_addresses_of_licenses_mails_and_entries_get_one_key(database_url: str) -> None:
    await write_as_before(
        database_url,
        *a_row(1, SPELT, former(SPELT), domain="müller.example"),
        *a_row(2, "bo@acme.example\u200b", former("bo@acme.example\u200b")),
        *a_row(3, "cy@acme.example", former("cy@acme.example")),
        a_mail(1, 1, SPELT, former(SPELT)),
        a_mail(2, 2, "bo@acme.example\u200b", former("bo@acme.example\u200b")),
        a_mark(1, "di@m\u0075\u0308ller.example", former("di@m\u0075\u0308ller.example"), DncReason.ASKED),
        a_mark(2, "“ed@acme.example”", former("“ed@acme.example”"), DncReason.LEGAL),
        a_mark(3, "*@star.example", former("*@star.example"), DncReason.TEAM),
        a_mark(4, "@comma.example,", former("@comma.example,"), DncReason.TEAM),
        a_mark(5, "cy@acme.example", former("cy@acme.example"), DncReason.TEAM),
        ("seen_row", {"digest": b"1" * 16, "license_id": 1}),
    )
    keys = Keyring([NEWER, SECRET])
    async with open_store(database_url, secret_keys=[NEWER, SECRET]) as store:
        found = {row.id: row for row in await rows(store, license_)}
        assert (found[1].technical_key, found[1].domain) == (keys.address_hash(MULLER), "xn--mller-kva.example")
        assert found[2].technical_key == keys.address_hash("bo@acme.example")
        assert found[3].technical_key == former("cy@acme.example")  # nothing to do, and nothing was done
        assert [row.address_key for row in await rows(store, mail)] == [
            keys.address_hash(MULLER),
            keys.address_hash("bo@acme.example"),
        ]
        assert [await standing(store, f"{who}.example") for who in ("di@MÜLLER", "ed@acme", "x@star", "x@comma")] == [
            DncReason.ASKED,
            DncReason.LEGAL,
            None,
            None,
        ]
        assert [str(each.target) for each in await store.dnc.list_active()] == [
            "di@xn--mller-kva.example",
            "ed@acme.example",
            "@star.example",
            "@comma.example",
            "cy@acme.example",
        ]
        assert await rows(store, processed_row) == []
        held = await store.personal_data.export("ana@müller.example", at=NOON, by="somebody")
        assert (len(held["licenses"]), len(held["mails"])) == (1, 1)
        card = await store.evaluations.card(1)
        assert card is not None
        assert card.people[0].last_mail is not None


async def test_marks_on_two_spellings_become_one_that_stands_as_long_as_either(database_url: str) -> None:
    one, other = "ana@müller.example", MULLER
    soon, late = NOON + timedelta(days=1), NOON + timedelta(days=30)
    await write_as_before(
        database_url,
        a_mark(1, one, former(one), DncReason.PAUSED, until=soon),
        a_mark(2, other, former(other), DncReason.PAUSED, until=late),
        a_mark(3, other, former(other), DncReason.ASKED),
        a_mark(4, one, former(one), DncReason.TEAM, lifted_at=NOON),
    )
    async with open_store(database_url, secret_keys=[SECRET]) as store:
        marks = await store.dnc.list_active()
        assert [(mark.reason, mark.until) for mark in marks] == [(DncReason.PAUSED, late), (DncReason.ASKED, None)]
        assert {row.target_key for row in await rows(store, do_not_contact)} == {former(other)}


async def test_of_somebody_who_was_forgotten_the_former_key_is_looked_up_for_good(database_url: str) -> None:
    spelt = "ana@müller.example"
    await write_as_before(
        database_url,
        *a_row(1, "bo@acme.example", former("bo@acme.example")),
        a_mark(101, "", former(spelt), DncReason.ERASED),
        a_mail(1, 1, "", former("di@bücher.example"), at=NOON),
    )
    async with open_store(database_url, secret_keys=[NEWER, SECRET]) as store:
        for each in (spelt, MULLER, "ANA@MÜLLER.example", "ana@müller。example"):
            assert await standing(store, each) is DncReason.ERASED
        assert not (await mark(store, spelt)).changed
        await report(store, a_license(aliases=frozenset({"E-1"}), technical=contact(email=MULLER), updated=nov(24)))
        assert isinstance(refused := await ask(store, order(1)), Refused)
        assert refused.reason in {RefusalReason.FORGOTTEN, RefusalReason.NO_CONTACT}
        [row] = await rows(store, license_)
        assert row.technical_key is None
        # A mail whose words are gone counts for the pause, and its report against the address.
        await report(
            store,
            a_license(aliases=frozenset({"E-1"}), technical=contact(email="di@xn--bcher-kva.example"), updated=nov(25)),
        )
        card = await store.evaluations.card(1)
        assert card is not None
        assert card.people[0].last_mail is not None
        await store.bounces.record_complaint(1, at=NOON)
        assert await standing(store, "di@xn--bcher-kva.example") is DncReason.COMPLAINED


@pytest.mark.parametrize("spelt", ["ana@mu\u0308ller.example", "straße@acme.example", "Jose\u0301@acme.example"])
async def test_somebody_who_was_forgotten_is_found_by_the_spelling_of_then(url: str, spelt: str) -> None:
    await write_as_before(
        url,
        *a_row(1, "bo@acme.example", former("bo@acme.example")),
        a_mark(101, "", former(spelt), DncReason.ERASED),
    )
    async with open_store(url, secret_keys=[NEWER, SECRET]) as store:
        assert await standing(store, spelt) is DncReason.ERASED
        assert not (await mark(store, spelt)).changed
        await report(store, a_license(aliases=frozenset({"E-1"}), technical=contact(email=spelt), updated=nov(24)))
        assert isinstance(refused := await ask(store, order(1)), Refused)
        assert refused.reason in {RefusalReason.FORGOTTEN, RefusalReason.NO_CONTACT, RefusalReason.DO_NOT_CONTACT}


async def test_what_was_sealed_with_a_secret_that_is_gone_is_left_as_it_was(database_url: str) -> None:
    await write_as_before(database_url, *a_row(1, SPELT, former(SPELT)), a_mail(1, 1, SPELT, former(SPELT)))
    with pytest.raises(StoreError, match="another SECRET_KEY"):
        async with open_store(database_url, secret_keys=[NEWER]):
            pass
    async with open_store(database_url, secret_keys=[NEWER, SECRET]) as store:
        assert len(await rows(store, license_)) == 1


async def test_a_pause_between_emails_and_a_no_count_for_every_spelling(store: Store) -> None:
    await report(store, a_license(technical=contact(email=SPELT)))
    await report(store, a_license(aliases=frozenset({"E-2"}), technical=contact(email=f"{MULLER}\u200b")))
    no = DncEntry(reason=DncReason.UNSUBSCRIBED, by=None, at=NOON)
    await store.dnc.add(DncTarget.of_address("ana@müller.example"), no)
    for evaluation_id in (1, 2):
        assert await ask(store, order(evaluation_id), FREELY) == Refused(RefusalReason.DO_NOT_CONTACT)
