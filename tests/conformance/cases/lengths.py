"""Content-Length and Transfer-Encoding: which body a request has, or that it has two."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.conformance.case import NEXT, Arrived, Case, Kind
from tests.conformance.cases.writing import case
from tests.conformance.expect import forwarded, in_turn, refused
from tests.conformance.messages import (
    HIDDEN_REQUEST,
    ITEM,
    NEXT_REQUEST,
    chunked,
    chunks,
    post,
    request,
    sized,
)

_case = partial(case, Kind.FRAMING)
_INSIDE: Final = len(HIDDEN_REQUEST)

# Values that some servers take for 5, or for a number of their own.
_BAD_LENGTHS: Final = {
    "plus": b"+5",
    "minus": b"-5",
    "minus-zero": b"-0",
    "blank-inside": b"5 5",
    "tab-inside": b"5\t5",
    "hex": b"0x5",
    "hex-digit": b"5a",
    "octal": b"0o5",
    "underscore": b"5_0",
    "exponent": b"5e0",
    "point": b"5.0",
    "comma-end": b"5,",
    "comma-begin": b",5",
    "list-equal": b"5, 5",
    "list-equal-tight": b"5,5",
    "list-different": b"5, 6",
    "semicolon": b"5;",
    "quoted": b'"5"',
    "word": b"five",
    "empty": b"",
    "nul-behind": b"5\0",
    "vertical-tab": b"5\x0b",
    "form-feed": b"\x0c5",
    "nbsp": b"5\xa0",
    "fullwidth-digit": "５".encode(),
    "arabic-digit": "٥".encode(),
    "over-2-53": b"9007199254740993",
    "2-63": b"9223372036854775808",
    "2-64-plus-5": b"18446744073709551621",
    "2-32-as-wide": b"4294967296000000000000",
    "100-digits": b"9" * 100,
    "30-zeros-and-5": b"0" * 30 + b"5",
}

_BAD_CODINGS: Final = {
    "identity": b"identity",
    "gzip": b"gzip",
    "gzip-chunked": b"gzip, chunked",
    "chunked-gzip": b"chunked, gzip",
    "chunked-twice": b"chunked, chunked",
    "chunked-identity": b"chunked, identity",
    "identity-chunked": b"identity, chunked",
    "comma-behind": b"chunked,",
    "comma-before": b",chunked",
    "commas": b",,chunked",
    "misspelt-x": b"xchunked",
    "misspelt-end": b"chunkedx",
    "misspelt-short": b"chunke",
    "misspelt-chunk": b"chunk",
    "prefix-x": b"x-chunked",
    "single-quotes": b"'chunked'",
    "quoted": b'"chunked"',
    "parameter": b"chunked;q=1",
    "parameter-foo": b"chunked; foo=bar",
    "semicolon": b"chunked;",
    "blank-inside": b"chun ked",
    "second-word": b"chunked bar",
    "empty": b"",
    "nul": b"chunked\0",
    "vertical-tab-before": b"\x0bchunked",
    "vertical-tab-behind": b"chunked\x0b",
    "form-feed": b"\x0cchunked",
    "nbsp-behind": b"chunked\xa0",
    "high-byte": b"chunked\xff",
    "kelvin-sign": "chun\u212aed".encode(),
    "delete": b"chunked\x7f",
    "colon": b": chunked",
    "equals": b"=chunked",
}

# The same two fields, in spellings that one of two servers in a row may not recognise.
_CONFLICTS: Final = {
    "length-first": (b"Content-Length: %d", b"Transfer-Encoding: chunked"),
    "coding-first": (b"Transfer-Encoding: chunked", b"Content-Length: %d"),
    "length-zero": (b"Content-Length: 0", b"Transfer-Encoding: chunked"),
    "lower-case": (b"content-length: %d", b"transfer-encoding: chunked"),
    "upper-coding": (b"Content-Length: %d", b"Transfer-Encoding: CHUNKED"),
    "tab-before-coding": (b"Content-Length: %d", b"Transfer-Encoding:\tchunked"),
    "blank-behind-coding": (b"Content-Length: %d", b"Transfer-Encoding: chunked "),
    "no-blank": (b"Content-Length: %d", b"Transfer-Encoding:chunked"),
    "blank-before-colon": (b"Content-Length: %d", b"Transfer-Encoding : chunked"),
    "tab-before-colon": (b"Content-Length: %d", b"Transfer-Encoding\t: chunked"),
    "folded": (b"Content-Length: %d", b"Transfer-Encoding:\r\n chunked"),
    "folded-in-another": (b"Content-Length: %d", b"X-A: b\r\n Transfer-Encoding: chunked"),
    "blank-before-name": (b"Content-Length: %d", b" Transfer-Encoding: chunked"),
    "bare-lf-before": (b"Content-Length: %d", b"X-A: b\nTransfer-Encoding: chunked"),
    "bare-cr-before": (b"Content-Length: %d", b"X-A: b\rTransfer-Encoding: chunked"),
    "nul-in-name": (b"Content-Length: %d", b"Transfer-Encoding\0: chunked"),
    "underscore-plus-dash": (
        b"Content-Length: %d",
        b"Transfer_Encoding: chunked",
        b"Transfer-Encoding: chunked",
    ),
    "coding-identity": (b"Content-Length: %d", b"Transfer-Encoding: identity"),
    "coding-misspelt": (b"Content-Length: %d", b"Transfer-Encoding: xchunked"),
    "coding-empty": (b"Content-Length: %d", b"Transfer-Encoding:"),
    "coding-twice": (b"Content-Length: %d", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    "connection-nominates-length": (
        b"Content-Length: %d",
        b"Transfer-Encoding: chunked",
        b"Connection: Content-Length",
    ),
    "connection-nominates-coding": (
        b"Content-Length: %d",
        b"Transfer-Encoding: chunked",
        b"Connection: Transfer-Encoding",
    ),
}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _lengths()
    yield from _codings()
    yield from _conflicts()
    yield from _valid()


def _lengths() -> Iterator[Case]:
    for name, value in _BAD_LENGTHS.items():
        data = post(b"Content-Length: " + value, body=b"hello" + NEXT_REQUEST)
        yield _case(f"length/{name}", data, refused(400))
    for name, first, second in (
        ("equal", 5, 5),
        ("different", 5, 5 + _INSIDE),
        ("different-larger-first", 5 + _INSIDE, 5),
        ("zero-first", 0, 5 + _INSIDE),
    ):
        fields = (b"Content-Length: %d" % first, b"Content-Length: %d" % second)
        hidden = NEXT_REQUEST if first == second else HIDDEN_REQUEST
        yield _case(f"length/twice-{name}", post(*fields, body=b"hello" + hidden), refused(400))
        yield _case(
            f"length/twice-{name}-apart",
            post(fields[0], b"X-A: b", fields[1], body=b"hello" + hidden),
            refused(400),
        )
    yield _case(
        "length/twice-one-lower",
        post(b"Content-Length: 5", b"content-length: 5", body=b"hello"),
        refused(400),
    )
    for name, line in (
        ("blank-before-colon", b"Content-Length : %d"),
        ("tab-before-colon", b"Content-Length\t: %d"),
        ("blank-before-name", b" Content-Length: %d"),
        ("folded", b"Content-Length:\r\n %d"),
        ("folded-tab", b"Content-Length:\r\n\t%d"),
        ("folded-behind", b"X-A: b\r\n Content-Length: %d"),
        ("bare-lf-before", b"X-A: b\nContent-Length: %d"),
        ("bare-cr-before", b"X-A: b\rContent-Length: %d"),
        ("nul-in-name", b"Content-Length\0: %d"),
        ("high-byte-in-name", b"Content-Length\xff: %d"),
        ("soft-hyphen", "Content\u00adLength: %d".encode()),
    ):
        # Nobody takes these names for the field, and a folded line has one lawful reading: it is part of another.
        plain = name in ("high-byte-in-name", "soft-hyphen", "blank-before-name", "folded-behind")
        inside = NEXT_REQUEST if plain else HIDDEN_REQUEST
        data = post(line % len(inside), body=inside)
        yield _case(f"length/{name}", data, refused(400))
    for alike in (b"Content_Length", b"Content.Length", b"Content~Length", b"Content!Length"):
        # Dropped: no body, and what follows is a request in plain sight.
        data = post(alike + b": 0")
        label = alike.decode("ascii").lower().replace("content", "").replace("length", "")
        yield _case(f"length/look-alike-{label}", data, forwarded(lacks=(alike,), optional=True))


def _codings() -> Iterator[Case]:
    for name, value in _BAD_CODINGS.items():
        data = post(b"Transfer-Encoding: " + value, body=chunks(b"hello") + NEXT_REQUEST)
        yield _case(f"coding/{name}", data, refused(400))
    for name, lines in (
        ("twice", (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")),
        ("chunked-then-identity", (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity")),
        ("identity-then-chunked", (b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked")),
        ("gzip-then-chunked", (b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked")),
        ("folded", (b"Transfer-Encoding:\r\n chunked",)),
        ("blank-before-colon", (b"Transfer-Encoding : chunked",)),
        ("tab-before-colon", (b"Transfer-Encoding\t: chunked",)),
        ("blank-before-name", (b" Transfer-Encoding: chunked",)),
        ("nul-in-name", (b"Transfer-Encoding\0: chunked",)),
        ("control-in-name", (b"Transfer\x01Encoding: chunked",)),
        ("bare-lf", (b"X-A: b\nTransfer-Encoding: chunked",)),
        ("bare-cr", (b"X-A: b\rTransfer-Encoding: chunked",)),
    ):
        yield _case(f"coding/lines-{name}", post(*lines, body=chunks(b"hello")), refused(400))
    for version in (b"HTTP/1.0",):
        data = post(b"Transfer-Encoding: chunked", body=chunks(b"hello"), version=version)
        yield _case("coding/http-1.0", data, refused(400))
        data = post(
            b"Transfer-Encoding: chunked",
            b"Connection: keep-alive",
            body=chunks() + NEXT_REQUEST,
            version=version,
        )
        yield _case("coding/http-1.0-keep-alive", data, refused(400))
        data = post(
            b"Transfer-Encoding: chunked",
            b"Content-Length: 5",
            body=chunks() + HIDDEN_REQUEST,
            version=version,
        )
        yield _case("coding/http-1.0-with-length", data, refused(400))
    data = request(b"Transfer-Encoding: identity", b"Content-Length: %d" % _INSIDE, body=HIDDEN_REQUEST)
    yield _case("coding/get-identity-with-length", data, refused(400))


def _conflicts() -> Iterator[Case]:
    for name, lines in _CONFLICTS.items():
        # A folded line has one lawful reading, which says nothing of chunks.
        inside = NEXT_REQUEST if name in ("folded-in-another", "blank-before-name") else HIDDEN_REQUEST
        body = b"0\r\n\r\n" + inside
        fields = tuple(line % len(body) if b"%d" in line else line for line in lines)
        yield _case(f"conflict/{name}", post(*fields, body=body), refused(400))
        if name == "length-zero":
            continue
        # The other way round: the length ends before the chunked body does.
        inner = b"%x\r\n%b\r\n0\r\n\r\n" % (len(inside), inside)
        short = len(inner.partition(b"\n")[0]) + 1
        fields = tuple(line % short if b"%d" in line else line for line in lines)
        yield _case(f"conflict/{name}-short-length", post(*fields, body=inner), refused(400))
    fields = (b"Content-Length: 5", b"Transfer-Encoding: chunked")
    yield _case("conflict/get", request(*fields, body=b"0\r\n\r\n" + NEXT_REQUEST), refused(400))
    yield _case("conflict/head", request(*fields, method=b"HEAD", body=b"0\r\n\r\n"), refused(400))
    yield _case(
        "conflict/body-in-later-packet", (post(*fields), Arrived(), b"0\r\n\r\n" + NEXT_REQUEST), refused(400)
    )


def _valid() -> Iterator[Case]:
    served = forwarded(method=b"POST", target=ITEM, body=b"hello")
    yield _case("valid/length", sized(b"hello"), served)
    yield _case("valid/length-zero", sized(b""), forwarded(method=b"POST"))
    yield _case("valid/no-framing", post(), forwarded(method=b"POST"))
    yield _case(
        "valid/length-leading-zero",
        post(b"Content-Length: 05", body=b"hello"),
        forwarded(body=b"hello", optional=True),
    )
    yield _case("valid/length-blanks", post(b"Content-Length: \t 5 \t", body=b"hello"), served)
    yield _case("valid/length-no-blank", post(b"Content-Length:5", body=b"hello"), served)
    yield _case("valid/length-any-case", post(b"cOnTeNt-LeNgTh: 5", body=b"hello"), served)
    yield _case("valid/length-in-two-packets", (sized(b"hello")[:-2], Arrived(), b"lo"), served)
    yield _case("valid/length-head-alone", (sized(b"hello")[:-5], Arrived(), b"hello"), served)
    for coding in (b"chunked", b"Chunked", b"CHUNKED", b"cHuNkEd", b"\tchunked", b" chunked "):
        label = repr(coding.decode("ascii")).strip("'").replace(" ", "_").replace("\\t", "tab")
        yield _case(
            f"valid/coding-{label}", post(b"Transfer-Encoding: " + coding, body=chunks(b"hello")), served
        )
    yield _case(
        "valid/chunked-followed-by-next",
        (chunked(chunks(b"hello")) + NEXT_REQUEST),
        in_turn(ITEM, NEXT, body=b"hello"),
        methods=("GET", "GET"),
    )
    yield _case(
        "valid/length-followed-by-next",
        (sized(b"hello") + NEXT_REQUEST),
        in_turn(ITEM, NEXT, body=b"hello"),
        methods=("GET", "GET"),
    )
    for method in (b"GET", b"DELETE", b"PUT", b"PATCH", b"OPTIONS"):
        one = forwarded(method=method, target=ITEM, body=b"hello")
        yield _case(f"valid/body-on-{method.decode().lower()}", sized(b"hello", method=method), one)
        yield _case(
            f"valid/chunked-on-{method.decode().lower()}", chunked(chunks(b"hello"), method=method), one
        )
    yield _case("length/2-53", (post(b"Content-Length: 9007199254740992"),), refused(413))
    yield _case("length/2-53-minus-1", (post(b"Content-Length: 9007199254740991"),), refused(413))
    yield _case("length/2-53-plus-1", (post(b"Content-Length: 9007199254740993"),), refused(400))
