"""The text of a token and of an admin key: minting, the checksum, the hint, the digest that is stored.

Format, version 1: `<prefix>_` + 32 base62 characters from a CSPRNG + 6 base62 characters, the CRC-32 of all that
precedes. A later version takes another prefix: stored digests stay valid because they cover the whole text.
"""

from __future__ import annotations

import re
import zlib
from hashlib import blake2b
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6
# 32 bytes hold log62(2**256) = 42 characters; 32 are taken, so the bias of the division is below 2**-65.
ENTROPY_BYTES: Final = 32
DIGEST_BYTES: Final = 32
ADMIN_KEY_PREFIX: Final = "adm"
# RFC 6750 section 2.1, bounded: longer ones are not looked at.
MAX_CREDENTIAL_BYTES: Final = 256


def base62(number: int, length: int) -> str:
    """The last `length` base62 digits of a non-negative `number`, most significant first."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def checksum(text: str) -> str:
    """The six base62 characters that end a token whose other characters are `text`."""
    return base62(zlib.crc32(text.encode("ascii")), CHECKSUM_LENGTH)


def mint(prefix: str, entropy: bytes) -> str:
    """A new token from `ENTROPY_BYTES` of CSPRNG output.

    Raises ValueError when the entropy has another length: fewer bytes would make a token that can be guessed.
    """
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a token takes {ENTROPY_BYTES} bytes of entropy, not {len(entropy)}")
    text = f"{prefix}_{base62(int.from_bytes(entropy, 'big'), BODY_LENGTH)}"
    return text + checksum(text)


def identifier(prefix: str, entropy: bytes) -> str:
    """A public id such as `acc_…` from at least 16 bytes of CSPRNG output: the prefix and 20 base62 characters."""
    if len(entropy) < 16:
        raise ValueError(f"an identifier takes at least 16 bytes of entropy, not {len(entropy)}")
    return f"{prefix}_{base62(int.from_bytes(entropy, 'big'), 20)}"


class TokenForm:
    """Tells well-formed tokens of one prefix from everything else, without any store."""

    __slots__ = ("_credential", "_pattern", "prefix")

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        pattern = rb"%s_[0-9A-Za-z]{%d}" % (
            re.escape(prefix.encode("ascii")),
            BODY_LENGTH + CHECKSUM_LENGTH,
        )
        self._pattern = re.compile(pattern)
        self._credential = re.compile(rb"Bearer (%b)" % pattern)

    def __repr__(self) -> str:
        return f"TokenForm({self.prefix!r})"

    def matches(self, credential: bytes) -> bool:
        """Whether `credential` has this form, whatever its checksum."""
        return self._pattern.fullmatch(credential) is not None

    def spelt_as_usual(self, authorization: bytes) -> bytes | None:
        """The token of a field value that is `Bearer`, one blank and a credential of this form, as nearly all are."""
        match = self._credential.fullmatch(authorization)
        return None if match is None else match[1]

    def is_valid(self, credential: bytes) -> bool:
        """Whether `credential` has this form and its checksum is right."""
        if self._pattern.fullmatch(credential) is None:
            return False
        text = credential.decode("ascii")
        return checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def hint(token: str) -> str:
    """What may be shown of a token later: its first 8 and last 4 characters."""
    return f"{token[:8]}…{token[-4:]}"


_LOOKS_LIKE_ONE: Final = re.compile(r"([a-z][a-z0-9]{0,15}_[0-9A-Za-z]{4})[0-9A-Za-z]{20,}")


def redacted(text: str) -> str:
    """The text with everything that looks like a token or an admin key cut to its beginning: for logs."""
    return _LOOKS_LIKE_ONE.sub(r"\1…", text) if "_" in text else text


def digest(token: bytes, pepper: bytes) -> bytes:
    """The 32 bytes that are stored in place of the token: BLAKE2b-256 keyed with the pepper (RFC 7693)."""
    return blake2b(token, digest_size=DIGEST_BYTES, key=pepper).digest()


class Digester:
    """Digests under the current pepper and the retired ones. Its repr shows none of them.

    Raises ValueError on an empty pepper: BLAKE2b would take it for no key at all.
    """

    __slots__ = ("_keyed", "_retired")

    def __init__(self, current: bytes, retired: tuple[bytes, ...] = ()) -> None:
        if not all((current, *retired)):
            raise ValueError("a pepper is empty")
        # A copy of it has taken the key already, which is a third of a digest.
        self._keyed = blake2b(digest_size=DIGEST_BYTES, key=current)
        self._retired = retired

    def __repr__(self) -> str:
        return f"Digester({len(self._retired)} retired)"

    def current(self, token: bytes) -> bytes:
        """The digest under which a token is stored today, and the index's key for it."""
        state = self._keyed.copy()
        state.update(token)
        return state.digest()

    def candidates(self, token: bytes) -> tuple[bytes, ...]:
        """Every digest under which a token may have been stored, the current pepper's first."""
        return (self.current(token), *(digest(token, pepper) for pepper in self._retired))
