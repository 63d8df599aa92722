"""The types of what can be sent: parsed once, so that inside nothing is checked again. `parse` names every flaw at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from gateway.admin.management.refusals import Flaw, Unprocessable
from gateway.core.usage import HOUR_SECONDS, KEPT_SECONDS
from gateway.settings.units import DAY, parse_duration

# One line: no control characters (of which PostgreSQL could not hold NUL), and not blank.
_LINE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
_LINES: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_EMAIL: Final = r"^[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+$"
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
_DURATION: Final = r"^[0-9]{1,12}(ms|s|m|h|d)$"
_STATUS: Final = r"^([1-5]([0-9]{2}|xx)|0)$"
MAX_WAIT_SECONDS: Final = 30.0
MAX_SCOPES: Final = 1000
_MAX_KEY_LIFE_SECONDS: Final = 3650 * DAY


def _read_instant(value: object) -> object:
    # Numbers, also as text, would be taken for seconds since 1970.
    if isinstance(value, str) and _INSTANT.match(value) is None:
        raise ValueError("write a time with its offset from UTC, such as 2026-01-31T12:00:00Z")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is out of range") from None


def _duration(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": _DURATION, "description": description})


_STRIPPED: Final = StringConstraints(strip_whitespace=True)
Name = Annotated[str, _STRIPPED, StringConstraints(min_length=1, max_length=100, pattern=_LINE)]
Description = Annotated[str, _STRIPPED, StringConstraints(max_length=500, pattern=_LINES)]
Email = Annotated[str, _STRIPPED, StringConstraints(min_length=3, max_length=254, pattern=_EMAIL)]
Password = Annotated[str, StringConstraints(min_length=8, max_length=256, pattern=_PRINTABLE)]
# A password that is only compared: whatever it is, the answer is about the login, not about its form.
GivenPassword = Annotated[str, StringConstraints(max_length=1024)]
Scope = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]
Scopes = Annotated[
    tuple[Scope, ...], Field(min_length=1, max_length=MAX_SCOPES, examples=[["contacts.readonly"]])
]
Days = Annotated[int, Field(ge=1, le=3650)]
Search = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Identifier = Annotated[str, StringConstraints(max_length=64, pattern=_LINE)]
Instant = Annotated[AwareDatetime, BeforeValidator(_read_instant), AfterValidator(_in_utc)]
Window = Annotated[
    float, BeforeValidator(parse_duration), Field(gt=0), _duration("A duration such as 24h or 7d.")
]
Wait = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=0, le=MAX_WAIT_SECONDS),
    _duration("A duration of at most 30s."),
]
StatusWanted = Annotated[str, StringConstraints(pattern=_STATUS)]
Span = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(ge=HOUR_SECONDS, le=KEPT_SECONDS),
    _duration("A duration such as 30d, of at least an hour and at most 396 days."),
]
Lifetime = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0, le=_MAX_KEY_LIFE_SECONDS),
    _duration("A duration such as 90d."),
]


def statuses_of(wanted: str) -> range:
    """The statuses that a `StatusWanted` means."""
    if wanted.endswith("xx"):
        first = int(wanted[0]) * 100
        return range(first, first + 100)
    return range(int(wanted), int(wanted) + 1)


class Value(BaseModel):
    """What is sent or answered: its members and no others, and it does not change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


class Edit(Value):
    """What is to be changed; what is not sent stays."""

    def changes(self) -> dict[str, Any]:
        """The members that were sent."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def unsent(stand_in: Any, *, repr: bool = True) -> Any:  # noqa: A002 - the name that pydantic has for it
    """The default of a member that may be left out, and then means nothing; `stand_in` is never looked at."""
    return Field(default=stand_in, json_schema_extra=_without_default, repr=repr)


V = TypeVar("V", bound=BaseModel)

# Texts that name the value's form better than the validator does.
_PATTERNS: Final = {
    _LINE: "Write one line of text.",
    _LINES: "Write text without control characters.",
    _EMAIL: "Write an e-mail address such as robin@example.com.",
    _PRINTABLE: "Leave control characters out.",
    _STATUS: "Write a status such as 404, a class such as 5xx, or 0.",
}


def pointer(location: tuple[int | str, ...]) -> str:
    """The JSON Pointer to a place in what was sent."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _message(error: ErrorDetails) -> str:
    if error["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(error["ctx"]["pattern"], "This is not of the right form.")
    text = error["msg"].removeprefix("Value error, ")
    return f"{text[:1].upper()}{text[1:]}."


def as_unprocessable(error: ValidationError) -> Unprocessable:
    """Every flaw that a validation found. No value is repeated: it may be a password."""
    return Unprocessable(
        [
            Flaw(pointer=pointer(one["loc"]), message=_message(one), code=one["type"])
            for one in error.errors(include_url=False, include_input=False)
        ]
    )


def parse(kind: type[V], values: Mapping[str, Any]) -> V:
    """The value that these members make, with text taken for numbers where it is one. Raises Unprocessable."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise as_unprocessable(error) from None
