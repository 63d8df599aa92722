"""A head whose fields are remembered is read as the same head anew, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.fields import FieldRules
from gateway.core.policy import Deny
from gateway.core.request import RequestHead, read_request
from gateway.proxy.gate import Limits
from gateway.proxy.memo import HeadMemo

LIMITS = Limits(head=400, headers=20, field=200, target=60)
FIELDS = [
    (b"Host", b"api.example.com"),
    (b"Connection", b"x-a, upgrade"),
    (b"X-A", b"1"),
    (b"Version", b"1"),
    (b"Expect", b"100-continue"),
    (b"Authorization", b"Bearer x"),
    (b"Content-Length", b"5"),
]


def judge(method: str, target: str, fields: list[tuple[bytes, bytes]]) -> RequestHead | Deny:
    rules = FieldRules(identity_prefix=b"X-Gateway-")
    return read_request(method, target, 1, fields, rules=rules, scheme="http")


def raw(method: str, target: str, fields: list[tuple[bytes, bytes]]) -> bytes:
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    return f"{method} {target} HTTP/1.1\r\n".encode("latin-1") + lines + b"\r\n"


def remembering(fields: list[tuple[bytes, bytes]]) -> HeadMemo:
    head = judge("PUT", "/old?query", fields)
    assert isinstance(head, RequestHead)
    return HeadMemo(head.fields, raw("PUT", "/old?query", fields))


TARGETS = st.one_of(
    st.sampled_from(["/", "/a?b", "//a", "*", "/a#b", "/?\x7f", "/?", "/a??b=/?", "/%zz", "a", "/a?b#"]),
    st.sampled_from(["http://api.example.com/x?y", "http://evil.example/x", "/" + "x" * 59, "/" + "x" * 60]),
    st.text(st.characters(max_codepoint=255), max_size=8).map(lambda text: "/" + text),
)


@given(
    st.sampled_from(["GET", "POST", "DELETE", "HEAD", "TRACE", "get"]), TARGETS, st.sets(st.integers(1, 6))
)
def test_what_is_remembered_is_read_as_a_whole_new_head(method: str, target: str, chosen: set[int]) -> None:
    fields = [FIELDS[0], *(FIELDS[number] for number in sorted(chosen))]
    memo = remembering(fields)
    data = raw(method, target, fields)
    found = memo.read(data + b"next", LIMITS)
    if found is None:
        return
    assert memo.size == len(data)
    assert found == judge(method, target, fields)
    assert len(target) <= LIMITS.target


def test_the_ordinary_is_remembered() -> None:
    memo = remembering(FIELDS)
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
        for target in ("/", "/contacts/c1", "/contacts/c1?locationId=x&limit=20", "/%41?%zz", "/?"):
            assert memo.read(raw(method, target, FIELDS), LIMITS) == judge(method, target, FIELDS)


def test_other_fields_are_another_head() -> None:
    memo = remembering(FIELDS)
    data = raw("GET", "/a", FIELDS)
    for changed in (
        data.replace(b"Bearer x", b"Bearer y"),
        data.replace(b"Host", b"host"),
        data.replace(b"X-A: 1\r\n", b""),
        data[:-2] + b"X-B: 1\r\n\r\n",
        data[:-1],
        b" " + data,
    ):
        assert memo.read(changed, LIMITS) is None


def test_limits_hold_for_what_is_remembered() -> None:
    memo = remembering(FIELDS)
    data = raw("GET", "/a", FIELDS)
    assert memo.read(data, LIMITS) is not None
    assert memo.read(data, Limits(head=len(data) - 1, headers=20, field=200, target=60)) is None
    assert memo.read(data, Limits(head=400, headers=20, field=200, target=1)) is None
