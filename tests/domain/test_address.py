"""One key for one mailbox, whatever its spelling; one judge of what can be sent to."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.provisional import domains

from bot.domain import address as module
from bot.domain.address import (
    ascii_domain,
    canonical,
    domain_of,
    fold,
    is_address,
    keys,
    sendable,
    unicode_domain,
    unwrap,
)
from bot.domain.invisible_characters import strip_invisible
from tests.spellings import spellings

ANA, ZOE = "ana@acme.example", "zoë@xn--bcher-kva.example"
ASCII = st.text(st.characters(max_codepoint=127), max_size=70)
TEXT = st.text(max_size=70)
NEARLY = st.lists(
    st.sampled_from(
        [*"aZ09.-_@'+ \"<>", "--", "xn--", "acme", ".example", ".invalid", ".test", "ü", "ß", "。", "\u200b"]
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ana@müller.example", "ana@xn--mller-kva.example"),
        ("ana@MÜLLER.example", "ana@mu\u0308ller.example"),
        ("ana@xn--MLLER-KVA.example", "ANA@müller.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@例え。test", "ana@xn--r8jz45g.test"),
        ("ana@ａｃｍｅ．example", ANA),
        (" Ana@ACME.Example\n", ANA),
        ("ana@acme.example\u200b", ANA),
        ("\ufeffana@acme.example", ANA),
        ("a\u00adna@acme.example", ANA),
        ("\u202aana@acme.example\u202c", ANA),
        ("ana@ac\u2060me.example", ANA),
        ("an\u0000a@acme.example", ANA),
        ("a\ufe0fna\u3164@acme.example", ANA),
        ("zoë@bücher.example", ZOE),
        ("zoe\u0308@bücher.example", ZOE),
        ("ZOË@BÜCHER.example", ZOE),
        ("ΣΟΦΙΑΣ@acme.example", "σοφιας@acme.example"),
        ("straße@acme.example", "STRASSE@acme.example"),
        ("İdil@acme.example", "i\u0307dil@acme.example"),
        # No mail goes to these as they stand, but the person in them is found.
        ("'ana@acme.example'", ANA),
        ("“ana@acme.example”", ANA),
        ('"ana"@acme.example', ANA),
        ("Ana Lima <ana@acme.example>", ANA),
        ("<ana@acme.example>", ANA),
        ("ana@acme.example.", ANA),
        ("ana@acme.example;", ANA),
        ("ana＠acme.example", ANA),
        ("mailto:ana@acme.example", ANA),
    ],
)
def test_two_spellings_of_a_mailbox_have_one_key(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ANA, "bo@acme.example"),
        (ANA, "ana@acme.example.org"),
        ("ana+trial@acme.example", ANA),
        ("a.na@acme.example", ANA),
        ("ırmak@acme.example", "irmak@acme.example"),
        ("ana@strasse.example", "ana@straße.example"),
        ("аna@acme.example", ANA),  # begins with a Cyrillic letter
        ("ana@аcme.example", ANA),
        ("ana", "ana@"),
        ("ana..lima@acme.example", "ana.lima@acme.example"),
        ("", ANA),
    ],
)
def test_two_mailboxes_have_two_keys(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        (ANA, ANA),
        (" Ana@ACME.example\n", "Ana@acme.example"),
        ("o'hara+test@mail.acme.example", "o'hara+test@mail.acme.example"),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),
        ("ana@acme。example", ANA),
        ("zoe\u0308@bücher.example", "zoë@xn--bcher-kva.example"),
        ("用户@例え.test", "用户@xn--r8jz45g.test"),
        ("ana@acme.example\u200b", ANA),
        ("ana@acme.test", "ana@acme.test"),
        ("ana@office.local", "ana@office.local"),
        ("ana@mail.acme.internal", "ana@mail.acme.internal"),
        ("a@b.co", "a@b.co"),
        (f"{'a' * 64}@acme.example", f"{'a' * 64}@acme.example"),
        (f"ana@{'a' * 63}.example", f"ana@{'a' * 63}.example"),
    ],
)
def test_an_address_is_sent_to_with_its_domain_in_ascii(address: str, written: str) -> None:
    assert sendable(address) == written
    assert is_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@",
        "@acme.example",
        "ana@acme",
        "ana@acme.",
        "ana@acme..example",
        "ana@.example",
        "ana@acme.example.",
        "ana@acme.123",
        "ana@127.0.0.1",
        "ana@[127.0.0.1]",
        "ana@a_b.example",
        "ana@-acme.example",
        "ana@acme-.example",
        "ana@ab--cd.example",
        "ana@xn--zzzzzz.example",  # decodes to nothing that may be a domain
        "ana@xn--.example",
        "ana@xn--mller-kva-.example",
        "ana@1.אב.example",  # a label that may not stand beside one from right to left
        "ana@acme.invalid",
        "ana@acme.localhost",
        "ana..lima@acme.example",
        "ana.@acme.example",
        ".ana@acme.example",
        "'ana@acme.example'",
        "“ana@acme.example”",
        '"ana"@acme.example',
        '"ana lima"@acme.example',
        "ana lima@acme.example",
        "a@b@acme.example",
        "ana@bo@acme.example",
        "ana@acme.example, bo@acme.example",
        "ana@acme.example;bo@acme.example",
        "Ana <ana@acme.example>",
        "<ana@acme.example>",
        "mailto:ana@acme.example",
        "ana＠acme.example",
        "ana@acme.example\r\nRCPT TO:<eve@evil.test>",
        "an\u00a0a@acme.example",
        "\u0301ana@acme.example",
        f"{'a' * 65}@acme.example",
        f"ana@{'a' * 64}.example",
        f"ana@{'acme.' * 60}example",
        f"{'ü' * 60}@{'ü' * 50}.{'ü' * 50}.example",
    ],
)
def test_nothing_is_sent_to_anything_else(address: str) -> None:
    assert sendable(address) is None
    assert not is_address(address)


@given(st.emails() | ASCII | NEARLY | TEXT)
@example("ana@acme.example")
@example("ana@a--b.example")
@example("ana@acme.Invalid")
@example(f"{'a' * 52}@acme.example")
def test_the_short_cut_says_what_the_library_says(text: str) -> None:
    slow = sendable(text)
    assert is_address(text) == (slow is not None)
    assert canonical(text) == module._canonical(text)  # noqa: SLF001  what the short cut leaves out
    if slow is not None and text.isascii():
        assert canonical(text) == slow.lower()


@given(st.emails() | NEARLY | TEXT)
@example("\ud800@acme.example")
@example("@müller.example")
@example("site:jira.müller.example")
@example("ß" * 40 + "@acme.example")
def test_a_key_is_its_own_key_and_that_of_the_form_on_the_wire(text: str) -> None:
    key = canonical(text)
    assert canonical(key) == key
    assert keys(text)[0] == key
    written = sendable(text)
    if written is not None:
        assert canonical(written) == key
        assert sendable(written) == written
        assert written.encode()
        assert not set(written) & set('\r\n\0 <>",;:()[]\\')


@given(st.data(), st.emails() | st.sampled_from(["Ana@müller.example", "zoë@acme.example", "o'hara@ölberg.example"]))
def test_every_spelling_of_a_mailbox_has_its_key(data: st.DataObject, address: str) -> None:
    spelt = data.draw(spellings(address))
    assert canonical(spelt) == canonical(address)


@given(st.emails() | NEARLY | TEXT)
def test_what_earlier_versions_compared_by_is_among_the_keys(text: str) -> None:
    assert text.strip().lower() in keys(text)


def test_somebody_is_found_by_what_earlier_versions_made_of_another_spelling() -> None:
    assert "ana@müller.example" in keys("Ana@xn--mller-kva.example")
    assert "ana@xn--mller-kva.example" in keys("ana@MÜLLER.example")
    assert keys("Ana@acme.example") == ("ana@acme.example",)


@given(TEXT)
def test_case_and_composition_do_not_count(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")} == {fold(text)}


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("Ana@ACME.example", "acme.example"),
        (" ana@acme.example ", "acme.example"),
        ("ana@müller.example", "xn--mller-kva.example"),
        ("ana@acme", None),
        ("ana", None),
        (None, None),
    ],
)
def test_the_domain_of_an_address(address: str | None, domain: str | None) -> None:
    assert domain_of(address) == domain


@given(domains() | NEARLY | ASCII)
@example("acme.INVALID")
@example("invalid")
@example(f"{'a' * 63}.example")
@example(" acme.example")
def test_a_host_is_judged_as_the_domain_of_an_address(host: str) -> None:
    bare = strip_invisible(host).strip()
    assert ascii_domain(host) == (None if "@" in bare else domain_of(f"a@{bare}"))


def test_a_host_is_written_in_ascii_and_back() -> None:
    assert ascii_domain("Jira.Müller.example") == "jira.xn--mller-kva.example"
    assert unicode_domain("jira.xn--mller-kva.example") == "jira.müller.example"
    assert [ascii_domain(each) for each in ("acme", "a b.example", "x@acme.example", "", "127.0.0.1")] == [None] * 5


@pytest.mark.parametrize(
    "typed",
    [
        "“ana@acme.example”",
        "„ana@acme.example“",
        "«ana@acme.example»",
        "‘ana@acme.example’",
        "'ana@acme.example'",
        '"ana@acme.example"',
        "`ana@acme.example`",
        "```ana@acme.example```",
        "「ana@acme.example」",
        "【ana@acme.example】",
        "(ana@acme.example)",
        "[ana@acme.example]",
        "{ana@acme.example}",
        "<ana@acme.example>",
        "&lt;ana@acme.example&gt;",
        "<mailto:ana@acme.example|ana@acme.example>,",
        "“<mailto:ana@acme.example|ana@acme.example>”",
        "Ana Lima <ana@acme.example>",
        '"Lima, Ana" <ana@acme.example>',
        "*ana@acme.example*",
        "_ana@acme.example_",
        "~ana@acme.example~",
        "ana@acme.example,",
        "ana@acme.example.",
        "“ana@acme.example”,",
        "“ana@acme.example.”",
        "“ana@acme.example",
        "ana@acme.example”",
        "• ana@acme.example",
        "- ana@acme.example",
        "ａｎａ＠ａｃｍｅ．ｅｘａｍｐｌｅ",
        "ana@acme.example\u200b",
    ],
)
def test_what_stands_around_an_address_is_taken_off(typed: str) -> None:
    assert unwrap(typed).word == ANA


@pytest.mark.parametrize("exact", ["'ana@acme.example", "`ana`@acme.example", "*@acme.example", "{ana@acme.example"])
def test_what_stands_in_angle_brackets_is_taken_as_it_is(exact: str) -> None:
    assert unwrap(f"<{exact}>") == (exact, True)
