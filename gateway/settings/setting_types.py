"""The types of single settings: what a value may be, and the words when it is not. Which settings exist is not known here."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)

from gateway.core.tokens import ADMIN_KEY_PREFIX
from gateway.settings.addresses import (
    IPNetwork,
    ListenAddress,
    parse_database_url,
    parse_listen,
    parse_network,
    parse_origin,
    parse_public_url,
)
from gateway.settings.scalar import shown
from gateway.settings.schema_forms import DURATION, POSITIVE_DURATION, SHARE, SIZE, text
from gateway.settings.units import parse_duration, parse_share, parse_size

_TOKEN_PREFIX: Final = re.compile(r"[a-z][a-z0-9]{0,15}")
_HEADER_PREFIX: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}-")
# Fields that callers rightly send, or that the gateway itself adds: an identity prefix must not swallow them.
_ORDINARY_FIELDS: Final = (
    "accept-encoding",
    "cache-control",
    "content-length",
    "content-type",
    "if-none-match",
    "last-event-id",
    "sec-websocket-key",
    "transfer-encoding",
    "user-agent",
    "x-forwarded-for",
    "x-request-id",
)


def _read_path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, (str, Path)) or not str(value) or "\0" in str(value):
        raise ValueError(f"{shown(value)} is not a path; write the path of a file")
    base = (info.context or {}).get("base")
    return Path(value) if base is None else base / value


def _token_prefix(value: str) -> str:
    if _TOKEN_PREFIX.fullmatch(value) is None:
        raise ValueError(
            f"{shown(value)} is not a token prefix; write 1 to 16 of a-z and 0-9, a letter first"
        )
    if value == ADMIN_KEY_PREFIX:
        raise ValueError(f"{shown(value)} is the prefix of admin keys; write another")
    return value


def _header_prefix(value: str) -> str:
    if _HEADER_PREFIX.fullmatch(value) is None:
        raise ValueError(
            f"{shown(value)} is not a header prefix; write letters, digits and hyphens that end in -, such as X-Gateway-"
        )
    taken = [field for field in _ORDINARY_FIELDS if field.startswith(value.lower())]
    if taken:
        raise ValueError(
            f"{shown(value)} would drop ordinary headers such as {taken[0]}; write a longer prefix"
        )
    return value


# The forms for editors are wider than what is read, never narrower.
Seconds = Annotated[float, BeforeValidator(parse_duration), Field(gt=0), WithJsonSchema(POSITIVE_DURATION)]
SecondsOrZero = Annotated[float, BeforeValidator(parse_duration), Field(ge=0), WithJsonSchema(DURATION)]
Share = Annotated[float, BeforeValidator(parse_share), WithJsonSchema(SHARE)]
Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema(SIZE)]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
File = Annotated[Path, PlainValidator(_read_path), WithJsonSchema({"type": "string", "minLength": 1})]
Listen = Annotated[
    ListenAddress,
    PlainValidator(parse_listen),
    PlainSerializer(str),
    WithJsonSchema(
        text(
            r"(?:\[[^\[\]]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}",
            "Write host:port such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080.",
        )
    ),
]
Network = Annotated[
    IPNetwork,
    PlainValidator(parse_network),
    WithJsonSchema(
        text(
            r"[0-9A-Fa-f:.]+(?:%[^/]+)?(?:/[0-9.]{1,15})?", "Write a CIDR such as 10.0.0.0/8, or an address."
        )
    ),
]
Origin = Annotated[
    str,
    PlainValidator(parse_origin),
    WithJsonSchema(
        text(r"\*|https?://[^/?#@A-Z]+", "Write an origin such as https://app.example.com, without a path.")
    ),
]
PublicUrl = Annotated[
    str,
    PlainValidator(parse_public_url),
    WithJsonSchema(
        text(
            r"[Hh][Tt][Tt][Pp][Ss]?://[^?#@]+",
            "Write an address such as https://api.example.com or with a path.",
        )
    ),
]
DatabaseUrl = Annotated[
    SecretStr,
    BeforeValidator(parse_database_url),
    WithJsonSchema(
        text(
            r"postgres(?:ql)?://[^ ]*",
            "Write an address such as postgresql://gateway@db.internal:5432/gateway, without a password.",
        )
    ),
]
TokenPrefix = Annotated[
    str,
    AfterValidator(_token_prefix),
    WithJsonSchema(
        text(
            f"(?!{ADMIN_KEY_PREFIX}$){_TOKEN_PREFIX.pattern}", "Write 1 to 16 of a-z and 0-9, a letter first."
        )
    ),
]
HeaderPrefix = Annotated[
    str,
    AfterValidator(_header_prefix),
    WithJsonSchema(
        text(_HEADER_PREFIX.pattern, "Write letters, digits and hyphens that end in -, such as X-Gateway-.")
    ),
]
