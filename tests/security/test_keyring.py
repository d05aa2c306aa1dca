from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import StoreError
from bot.security.keyring import Keyring

OLD, NEW = "the first key, which is long enough", "the second key, which is long enough"


@given(st.text())
def test_what_was_sealed_is_opened_again(words: str) -> None:
    assert Keyring([OLD]).decrypt(Keyring([OLD]).encrypt(words)) == words


def test_the_same_words_never_seal_to_the_same_bytes() -> None:
    keys = Keyring([OLD])

    assert len({keys.encrypt("Ana Ash") for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("written_with", "read_with", "readable"),
    [
        pytest.param([OLD], [OLD], True, id="same key"),
        pytest.param([OLD], [NEW, OLD], True, id="new key in front"),
        pytest.param([NEW, OLD], [NEW], True, id="old key taken away"),
        pytest.param([NEW, OLD], [OLD], False, id="new key taken away"),
        pytest.param([OLD], [NEW], False, id="another key"),
        pytest.param([OLD], [f"{OLD} "], False, id="almost the same key"),
    ],
)
def test_the_first_key_writes_and_every_key_reads(
    *, written_with: list[str], read_with: list[str], readable: bool
) -> None:
    writer, reader = Keyring(written_with), Keyring(read_with)

    assert (writer.address_hash("ana@acme.example") in reader.address_hashes("ana@acme.example")) is readable
    if readable:
        assert reader.decrypt(writer.encrypt("Ana Ash")) == "Ana Ash"
    else:
        with pytest.raises(StoreError, match="Put the old key behind the new one, after a comma"):
            reader.decrypt(writer.encrypt("Ana Ash"))


@pytest.mark.parametrize("place", [0, 12, -1], ids=["nonce", "text", "tag"])
def test_bytes_that_were_changed_are_not_opened(place: int) -> None:
    sealed = bytearray(Keyring([OLD]).encrypt("Ana Ash"))
    sealed[place] ^= 1

    with pytest.raises(StoreError):
        Keyring([OLD]).decrypt(bytes(sealed))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ana@acme.example", "ANA@Acme.Example", True),
        ("ana@acme.example", "  ana@acme.example\n", True),
        ("ana@acme.example", "bo@acme.example", False),
        ("ana@acme.example", "ana@acme.example.com", False),
        ("ana+trial@acme.example", "ana@acme.example", False),
    ],
)
def test_a_fingerprint_is_that_of_an_address_however_it_is_spelled(*, one: str, other: str, same: bool) -> None:
    keys = Keyring([OLD])

    assert (keys.address_hash(one) == keys.address_hash(other)) is same


def test_without_the_key_a_fingerprint_says_nothing() -> None:
    assert Keyring([OLD]).address_hash("ana@acme.example") != Keyring([NEW]).address_hash("ana@acme.example")
    assert "ana" not in Keyring([OLD]).address_hash("ana@acme.example")


@given(st.text(max_size=300))
def test_a_token_is_fit_for_a_link_and_gives_its_text_back(words: str) -> None:
    token = Keyring([OLD]).token(words)

    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert Keyring([OLD]).read_token(token) == words
    assert Keyring([NEW, OLD]).read_token(token) == words
    assert Keyring([NEW]).read_token(token) is None


@given(st.text() | st.text("ABCabc019-_=", max_size=200))
@example("\ud800")
def test_what_is_no_token_is_none(words: str) -> None:
    assert Keyring([OLD, NEW]).read_token(words) is None


def test_neither_contacts_nor_tokens_are_taken_for_the_other() -> None:
    keys = Keyring([OLD])
    sealed = urlsafe_b64encode(keys.encrypt("Ana Ash")).decode().rstrip("=")

    assert keys.read_token(sealed) is None
    with pytest.raises(StoreError):
        keys.decrypt(urlsafe_b64decode(keys.token("Ana Ash") + "=="))


def test_what_an_earlier_version_wrote_is_found_and_read() -> None:
    """Were it not, an update would forget who said no, and unsubscribe links of former mails would fail."""
    keys = Keyring([OLD])
    sealed = "0f10b4fed2edb46a93eb928434412a1aecbeef8019bbc25b9deb43710ff73b783a50a5"

    assert keys.address_hash("ana@acme.example") == "df906d7b1f65135c085c0e71a714365e7b1881e0"
    assert keys.decrypt(bytes.fromhex(sealed)) == "Ana Ash"
    assert keys.read_token("CAyCarH0mYM8mUlTBLRuQNj0NjkQ85689V8IrOWZ-q3g") == "7:ana"
    assert keys.return_keys[0].hex() == "3b82173680a6e607e3b8e90ee3fd085c2e0c16672b7f59f25f69ff6561593c3a"
