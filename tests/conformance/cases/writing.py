"""The short form in which tables of cases are written."""

from __future__ import annotations

from tests.conformance.case import SERVE, Case, Expectation, Kind, Script, Send, Stand, Step


def case(
    kind: Kind,
    name: str,
    sent: bytes | tuple[Step | bytes, ...],
    expect: Expectation,
    *,
    script: Script = SERVE,
    methods: tuple[str, ...] | None = None,
    hasty: bool = False,
) -> Case:
    """A case that sends `sent`: bytes, or steps with bytes among them. Its first word is the method it is answered for."""
    steps = (sent,) if isinstance(sent, bytes) else sent
    written = tuple(Send(step) if isinstance(step, bytes) else step for step in steps)
    if methods is None:
        methods = (
            ("HEAD",) if isinstance(written[0], Send) and written[0].data.startswith(b"HEAD ") else ("GET",)
        )
    return Case(
        name=f"{kind.name.lower()}/{name}",
        kind=kind,
        steps=written,
        expect=expect,
        script=script,
        methods=methods,
        stand=Stand.HASTY if hasty else Stand.USUAL,
    )
