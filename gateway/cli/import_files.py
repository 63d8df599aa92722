"""The files of an import: looked at once in the beginning, and written at its end if nobody else changed them meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.cli.failures import BAD_USAGE, Refused
from gateway.openapi.target import TargetError, read_if_there, refuse_changed, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the map goes, what it is merged into, where the list of missing scopes goes; and what was in the first two."""

    output: Path | None
    merge: Path | None
    missing: Path | None
    old: bytes | None
    there: bytes | None

    @classmethod
    def look(cls, *, output: Path | None, merge: Path | None, missing: Path | None, force: bool) -> Files:
        """Look at them. Raises Refused where something would be written over that nobody gave up."""
        try:
            old = None if merge is None else read_if_there(merge)
            same = output is not None and merge is not None and _same(output, merge)
            there = old if same else None if output is None else read_if_there(output)
            filled = None if missing is None else read_if_there(missing)
        except TargetError as error:
            raise Refused(str(error)) from None
        if merge is not None and old is None:
            raise Refused(f"--merge: {merge} is not there; leave it out for a first import", status=BAD_USAGE)
        if there is not None and not same and not force:
            way_out = f"--merge {output} keeps what people edited, --force writes over it"
            raise Refused(f"{output} is there already; {way_out}", status=BAD_USAGE)
        if filled is not None:
            way_out = "give it with --scopes-from, and name another file for what is still missing"
            raise Refused(f"--missing-to: {missing} is there already; {way_out}", status=BAD_USAGE)
        return cls(output=output, merge=merge, missing=missing, old=old, there=there)

    def write(self, data: bytes, missing: bytes | None) -> bool:
        """Write the map, and the list of what is missing if there is one; whether the map is another now. Raises Refused."""
        try:
            if self.merge is not None and self.old is not None:
                refuse_changed(self.merge, self.old)
            if self.missing is not None and missing is not None:
                write(self.missing, missing, before=None)
            return True if self.output is None else write(self.output, data, before=self.there)
        except TargetError as error:
            raise Refused(str(error)) from None


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
