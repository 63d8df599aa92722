"""Forms with files: read as browsers send them, and refused where parts could be taken for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admin.pages.multipart import MalformedParts, Part, boundary_of, parts


def encoded(sent: list[Part], boundary: str) -> bytes:
    """As a browser does: RFC 7578 and the HTML standard."""
    found = b""
    for part in sent:
        filename = '; filename="routes.yaml"\r\nContent-Type: application/yaml' if part.is_file else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{filename}\r\n\r\n'
        found += head.encode() + part.content + b"\r\n"
    return found + f"--{boundary}--\r\n".encode()


def read(body: bytes, *, most: int = 10) -> list[Part]:
    return list(parts(body, b"b", most=most))


@given(
    st.lists(
        st.builds(
            Part,
            name=st.text(st.characters(exclude_characters='"\r\n', codec="utf-8")),
            content=st.binary().filter(lambda content: b"--b0undary" not in content),
            is_file=st.booleans(),
        ),
        max_size=5,
    )
)
def test_what_was_sent_is_read_to_the_byte(sent: list[Part]) -> None:
    assert list(parts(encoded(sent, "b0undary"), b"b0undary", most=5)) == sent


def test_a_file_that_was_not_chosen_is_none() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--b--\r\n"
    )
    assert read(body) == []
    (empty,) = read(body.replace(b'""', b'"a.yaml"'))
    assert (empty.content, empty.is_file) == (b"", True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n',
        b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nx\r\n--b--',
        b'--bc\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--',
    ],
)
def test_what_no_browser_sends_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedParts):
        read(body)


def test_more_parts_than_allowed_are_refused() -> None:
    sent = [Part("a", b"", is_file=False)] * 3
    assert read(encoded(sent, "b"), most=3) == sent
    with pytest.raises(MalformedParts):
        read(encoded(sent, "b"), most=2)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=----WebKitFormBoundaryAbc123", b"----WebKitFormBoundaryAbc123"),
        ('multipart/form-data; charset=utf-8; boundary="a b"', b"a b"),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ('multipart/form-data; boundary="a\tb"', None),
        (f"multipart/form-data; boundary={'x' * 71}", None),
        ("multipart/form-data; boundary=é", None),
    ],
)
def test_the_boundary(header: str, boundary: bytes | None) -> None:
    if boundary is None:
        with pytest.raises(MalformedParts):
            boundary_of(header)
    else:
        assert boundary_of(header) == boundary


def test_a_part_does_not_show_what_is_in_it() -> None:
    assert "secret" not in repr(Part("password", b"secret", is_file=False))
