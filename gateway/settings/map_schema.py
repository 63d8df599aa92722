"""The JSON Schema of the route map: its grammar, as far as a schema can say it, with words for editors.

What a schema cannot say (an upstream that is not there, two routes of one shape, one address in two spellings) stays with
`gateway check`. It accepts every map that is read.
"""

from __future__ import annotations

from typing import Final

from gateway.core.methods import ROUTE_METHODS
from gateway.core.model import Access, AccountKind
from gateway.settings.route_map import NAME
from gateway.settings.route_needs import KINDS, NEEDS, RESERVED_WORDS, SCOPE, VERSION
from gateway.settings.schema_forms import DRAFT, POSITIVE_DURATION, SIZE, Schema, text, when

_WORDS: Final = "|".join(RESERVED_WORDS)
_ACCESS: Final = "public: no token is needed. authenticated: any live token. deny: refused to everyone."
_SCOPE: Final = text(
    f"(?!(?:{_WORDS})$){SCOPE.pattern}",
    "A scope has no blank, comma, quote or backslash, and is none of the map's own words.",
) | {"description": "A scope that the token must have. Scopes are opaque: none implies another."}
_SCOPES: Final[Schema] = {
    "type": "array",
    "items": {"$ref": "#/definitions/scope"},
    "minItems": 1,
    "uniqueItems": True,
}
_NAMES: Final = text(NAME.pattern, "A name has up to 64 letters, digits, dots, hyphens and underscores.")
# A segment is a parameter, or a literal in the one form that a request's path is brought into (see `template`).
_ESCAPE: Final = (
    "%(?!2[DEF]|3[0-9BF]|[46][1-9A-F]|[57][0-9A]|[57]F|7E|[01][0-9A-F]|23|5C|25[0-9A-Fa-f]{2})[0-9A-F]{2}"
)
_LITERAL: Final = rf"(?!\.{{1,2}}(?:/|[ \t]*$))(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|{_ESCAPE})+"
_PARAMETER: Final = r"\{[A-Za-z0-9_.\-]{1,64}\}"
_TEMPLATE: Final = rf"/|(?:/(?:{_PARAMETER}|{_LITERAL}))+/?"
_METHODS: Final = "|".join(sorted(ROUTE_METHODS))
_TWICE: Final = r"(?!.*(\{[^}]*\}).*\1)"
_ROUTE: Final = text(
    rf"{_TWICE}[ \t]*(?:{_METHODS})[ \t]+(?:{_TEMPLATE})[ \t]*",
    "Write METHOD /path, such as GET /contacts/{contactId}: a method that is served, no query, "
    "parameters as whole segments, each with its own name.",
)


def map_schema() -> Schema:
    """The schema of a route map."""
    return {
        "$schema": DRAFT,
        "title": "Route map of the Private Integrations Gateway",
        "type": "object",
        "required": ["upstreams", "services"],
        "additionalProperties": False,
        "properties": {
            "upstreams": {
                "description": "The platform's services: a name, and the addresses that share its load.",
                "type": "object",
                "propertyNames": _NAMES,
                "additionalProperties": {"$ref": "#/definitions/upstream"},
            },
            "services": {
                "description": "What the upstreams serve, in groups: a name, the upstream, the routes.",
                "type": "object",
                "propertyNames": _NAMES,
                "additionalProperties": {"$ref": "#/definitions/service"},
            },
            "scopes": {
                "description": "Words for the people who choose scopes.",
                "type": ["object", "null"],
                "propertyNames": _SCOPE,
                "additionalProperties": {
                    "type": "string",
                    "pattern": r"\S",
                    "patternErrorMessage": "Write words for those who choose it.",
                },
            },
        },
        "definitions": {
            "upstream": _upstream(),
            "service": _service(),
            "scope": _SCOPE,
            "needs": _needs(),
            "route": _route(),
            "shadow": _shadow(),
        },
    }


def _upstream() -> Schema:
    return {
        "type": "object",
        "required": ["urls"],
        "additionalProperties": False,
        "properties": {
            "urls": {
                "description": "Addresses without a path. Each request goes to the one with the fewest outstanding.",
                "type": "array",
                "items": text(
                    r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#@]+",
                    "Write http://host:port or https://host:port, without a path.",
                ),
                "minItems": 1,
                "uniqueItems": True,
            },
            "preserve_host": {
                "description": "Whether the caller's Host travels on, in place of the address's own.",
                "type": "boolean",
                "default": False,
            },
        },
    }


def _service() -> Schema:
    return {
        "type": "object",
        "required": ["upstream", "routes"],
        "additionalProperties": False,
        "properties": {
            "upstream": {
                "description": "The name of the upstream that serves these routes.",
                "type": "string",
                "minLength": 1,
            },
            "account": _account("sub_account, agency, or any for both; a route may narrow or widen it."),
            "routes": {
                "description": "METHOD /path/{parameter}: the scope it needs. What is not listed is refused.",
                "type": "object",
                "propertyNames": _ROUTE,
                # A WebSocket is opened by GET.
                "patternProperties": {
                    r"^[ \t]*(?!GET[ \t])": when(
                        {"type": "object"}, {"properties": {"websocket": {"const": False}}}
                    ),
                    "": {"$ref": "#/definitions/needs"},
                },
            },
        },
    }


def _account(words: str) -> Schema:
    return {"description": words, "enum": list(KINDS), "default": "any"}


def _needs() -> Schema:
    """A route in the short forms, or the long one."""
    return {
        "type": ["string", "array", "object"],
        "allOf": [
            when({"type": "object"}, {"$ref": "#/definitions/route"}),
            when({"type": "array"}, _SCOPES | {"description": "The token must have all of these."}),
            when(
                {"type": "string"},
                {
                    "anyOf": [
                        {"$ref": "#/definitions/scope"},
                        {"description": _ACCESS, "enum": list(RESERVED_WORDS)},
                    ]
                },
            ),
        ],
    }


def _who() -> Schema:
    """The keys that say who may call."""
    return {
        "scope": {"$ref": "#/definitions/scope"},
        "all_of": _SCOPES | {"description": "The token must have all of these."},
        "any_of": _SCOPES | {"description": "The token must have one of these."},
        "access": {"description": _ACCESS, "enum": list(RESERVED_WORDS)},
        "versions": {
            "description": "The `Version` header must name one of these.",
            "type": "array",
            "items": text(VERSION.pattern, "A version is visible ASCII without blank or comma."),
            "minItems": 1,
            "uniqueItems": True,
        },
    }


def _route() -> Schema:
    return {
        "type": "object",
        "oneOf": [{"required": [need]} for need in NEEDS],
        "additionalProperties": False,
        "properties": {
            **_who(),
            "account": _account("The kind of account that may call, in place of the service's."),
            "body_limit": SIZE | {"description": "The largest body, in place of proxy.limits.body."},
            "timeout": POSITIVE_DURATION
            | {"description": "Until the answer's first byte, in place of upstream.timeouts.first_byte."},
            "websocket": {"description": "Whether a WebSocket may be opened here.", "type": "boolean"},
            "shadow": {
                "description": "Needs that are judged and counted and refuse nobody: true for all of the route's own.",
                "type": ["boolean", "object"],
                "allOf": [when({"type": "object"}, {"$ref": "#/definitions/shadow"})],
            },
        },
        "allOf": [
            when(_has_access(Access.PUBLIC), {"properties": {"account": False, "shadow": False}}),
            _DENIED,
        ],
    }


def _shadow() -> Schema:
    kinds = [str(kind) for kind in AccountKind]
    forms = _who()
    forms["access"] = {"description": "deny: try what it is to refuse everyone.", "const": str(Access.DENY)}
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {**forms, "account": {"description": "The only kind that may call.", "enum": kinds}},
        "oneOf": [
            *({"required": [need]} for need in NEEDS),
            {"not": {"anyOf": [{"required": [need]} for need in NEEDS]}},
        ],
        "allOf": [_DENIED],
    }


def _has_access(access: Access) -> Schema:
    return {"required": ["access"], "properties": {"access": {"const": str(access)}}}


_DENIED: Final = when(_has_access(Access.DENY), {"propertyNames": {"enum": ["access"]}})
