"""A token's text: what is minted is valid, what is nearly a token is not, and nothing shows a secret."""

from __future__ import annotations

import zlib
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.tokens import (
    ADMIN_KEY_PREFIX,
    ALPHABET,
    BODY_LENGTH,
    CHECKSUM_LENGTH,
    DIGEST_BYTES,
    ENTROPY_BYTES,
    Digester,
    TokenForm,
    base62,
    checksum,
    digest,
    hint,
    identifier,
    mint,
)

FORM = TokenForm("pit")
entropies = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)
prefixes = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
tokens = entropies.map(lambda entropy: mint("pit", entropy))
KNOWN = mint("pit", bytes(range(32)))


def test_the_format_never_changes_under_stored_digests() -> None:
    """A worked example: another alphabet, width or checksum would orphan every token in the field."""
    text = "pit_" + base62(int.from_bytes(bytes(range(32)), "big"), 32)
    assert text + base62(zlib.crc32(text.encode()), 6) == KNOWN
    assert KNOWN == "pit_jlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf063DBh"
    assert len(KNOWN) == 4 + 32 + 6
    assert "".join(sorted(ALPHABET)) == ALPHABET
    assert len(set(ALPHABET)) == 62
    assert ADMIN_KEY_PREFIX == "adm"


@given(prefixes, entropies)
def test_what_is_minted_is_valid(prefix: str, entropy: bytes) -> None:
    token = mint(prefix, entropy)
    assert TokenForm(prefix).is_valid(token.encode())
    assert len(token) == len(prefix) + 1 + BODY_LENGTH + CHECKSUM_LENGTH


@given(entropies, entropies)
def test_tokens_differ_where_the_entropy_that_is_kept_differs(one: bytes, other: bytes) -> None:
    kept = [int.from_bytes(entropy, "big") % 62**BODY_LENGTH for entropy in (one, other)]
    assert (mint("pit", one) == mint("pit", other)) == (kept[0] == kept[1])


@given(st.integers(0, 62**6 - 1))
def test_base62_is_positional(number: int) -> None:
    text = base62(number, 6)
    assert sum(ALPHABET.index(digit) * 62**place for place, digit in enumerate(reversed(text))) == number


@pytest.mark.parametrize("size", [0, 1, 16, 31, 33, 64])
def test_a_token_is_not_made_of_too_little_or_too_much_entropy(size: int) -> None:
    with pytest.raises(ValueError, match=str(size)):
        mint("pit", bytes(size))


@given(st.binary(min_size=16, max_size=64))
def test_an_identifier_has_one_length(entropy: bytes) -> None:
    found = identifier("acc", entropy)
    assert found.startswith("acc_")
    assert len(found) == 24
    assert set(found[4:]) <= set(ALPHABET)


@pytest.mark.parametrize("size", [0, 8, 15])
def test_an_identifier_is_not_made_of_too_little_entropy(size: int) -> None:
    with pytest.raises(ValueError, match=str(size)):
        identifier("acc", bytes(size))


@given(tokens, st.data())
def test_one_wrong_character_fails_before_any_store(token: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(max_codepoint=255).filter(lambda c: c != token[at]))
    assert not FORM.is_valid((token[:at] + other + token[at + 1 :]).encode("latin-1"))


def test_every_single_replacement_in_one_token_fails() -> None:
    for at in range(len(KNOWN)):
        for character in ALPHABET:
            if character != KNOWN[at]:
                assert not FORM.is_valid((KNOWN[:at] + character + KNOWN[at + 1 :]).encode())


@given(tokens)
def test_swapped_neighbours_fail(token: str) -> None:
    for at in range(len(token) - 1):
        swapped = token[:at] + token[at + 1] + token[at] + token[at + 2 :]
        assert FORM.is_valid(swapped.encode()) == (token[at] == token[at + 1])


def test_no_token_at_all_survives_a_swap_across_its_checksum() -> None:
    """CRC-32 finds swaps inside the body by itself; that none passes across the border is a property of base62 digits.

    Changing the body's last character from b to d moves the checksum by a fixed XOR. To pass, that XOR would have to
    equal a difference of (b - d) in the first digit and none in the others, for some 32-bit value.
    """
    for d in range(5):  # the first digit of a 32-bit number is at most 4
        for b in range(62):
            if b == d:
                continue
            flip = zlib.crc32(ALPHABET[b].encode()) ^ zlib.crc32(ALPHABET[d].encode())
            # crc ^ flip - crc == flip - 2 * (crc & flip)
            twice = flip - (b - d) * 62**5
            assert twice < 0 or twice % 2 or (twice // 2) & ~flip


@given(tokens, st.data())
def test_a_lost_or_doubled_character_fails(token: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(token) - 1))
    assert not FORM.is_valid((token[:at] + token[at + 1 :]).encode())
    assert not FORM.is_valid((token[:at] + token[at] + token[at:]).encode())


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_or_pass_by_chance(credential: bytes) -> None:
    assert FORM.is_valid(credential) is False


@pytest.mark.parametrize(
    "credential",
    [
        b"",
        b"pit_",
        KNOWN[:-1].encode(),
        KNOWN.encode() + b"\n",
        KNOWN.encode() + b"\0",
        b" " + KNOWN.encode(),
        KNOWN.encode() + b"=",
        KNOWN.upper().encode(),
        KNOWN.replace("_", "-", 1).encode(),
        KNOWN.encode("utf-16-le"),
        KNOWN.encode() * 2,
        b"PIT_" + KNOWN[4:].encode(),
        b"p\xc3\xaft_" + KNOWN[4:].encode(),
        KNOWN[:-1].encode() + "４".encode(),
        mint("adm", bytes(range(32))).encode(),
        mint("pit2", bytes(range(32))).encode(),
        mint("xpit", bytes(range(32))).encode(),
        mint("pit_pit", bytes(range(32))).encode(),
    ],
)
def test_near_misses_are_refused(credential: bytes) -> None:
    assert not FORM.is_valid(credential)


def test_a_prefix_is_text_and_no_pattern() -> None:
    assert not TokenForm("p.t").is_valid(KNOWN.encode())
    token = mint("p.t", bytes(32))
    assert TokenForm("p.t").is_valid(token.encode())


def test_the_checksum_of_another_prefix_does_not_carry_over() -> None:
    body = KNOWN[4:]
    assert not TokenForm("pix").is_valid(f"pix_{body}".encode())
    assert checksum("pit_") != checksum("pix_")


@given(tokens)
def test_a_hint_shows_twelve_characters_and_no_more(token: str) -> None:
    shown = hint(token)
    assert (shown[:8], shown[8], shown[9:]) == (token[:8], "…", token[-4:])


PEPPERS = [b"k" * 32, b"r" * 32, b"s" * 64]


@given(tokens)
def test_a_digest_is_the_keyed_hash_of_the_whole_token(token: str) -> None:
    text = token.encode()
    digester = Digester(PEPPERS[0], (PEPPERS[1], PEPPERS[2]))
    expected = tuple(blake2b(text, digest_size=32, key=pepper).digest() for pepper in PEPPERS)
    assert digester.candidates(text) == expected
    assert digester.current(text) == expected[0] == digest(text, PEPPERS[0])
    assert len(set(expected)) == 3
    assert all(len(one) == DIGEST_BYTES for one in expected)
    assert expected[0] != blake2b(text, digest_size=32).digest()


def test_a_dropped_pepper_is_no_candidate_any_more() -> None:
    text = KNOWN.encode()
    stored = Digester(PEPPERS[1]).current(text)
    assert stored in Digester(PEPPERS[0], (PEPPERS[1],)).candidates(text)
    assert stored not in Digester(PEPPERS[0]).candidates(text)


@pytest.mark.parametrize("peppers", [(b"", ()), (b"k", (b"",)), (b"k", (b"r", b""))])
def test_an_empty_pepper_never_turns_the_key_off(peppers: tuple[bytes, tuple[bytes, ...]]) -> None:
    with pytest.raises(ValueError, match="empty"):
        Digester(*peppers)


def test_no_repr_shows_a_secret() -> None:
    for pepper in PEPPERS:
        shown = repr(Digester(PEPPERS[0], tuple(PEPPERS[1:])))
        assert repr(pepper)[2:-1] not in shown
        assert pepper.hex() not in shown
    assert repr(Digester(PEPPERS[0], (PEPPERS[1],))) == "Digester(1 retired)"
    assert repr(FORM) == "TokenForm('pit')"
