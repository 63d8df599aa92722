"""The kinds of problems that a configuration can have: a stable name for each, which scripts and code scanners go by."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Rule(StrEnum):
    """What kind of problem it is. A name may be added; none is renamed or used for something else."""

    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    ENCODING = "encoding"
    SYNTAX = "syntax"
    MERGE_CONFLICT = "merge_conflict"
    YAML_FEATURE = "yaml_feature"
    DUPLICATE_KEY = "duplicate_key"
    EMPTY = "empty"
    UNKNOWN_KEY = "unknown_key"
    UNKNOWN_VARIABLE = "unknown_variable"
    MISSING_KEY = "missing_key"
    INVALID_VALUE = "invalid_value"
    DUPLICATE_VALUE = "duplicate_value"
    CONFLICT = "conflict"
    SECRET_IN_FILE = "secret_in_file"  # noqa: S105 - no secret
    OPEN_TO_OTHERS = "open_to_others"
    ROUTE_KEY = "route_key"
    ROUTE_REPEATED = "route_repeated"
    ROUTE_AMBIGUOUS = "route_ambiguous"
    UPSTREAM_UNKNOWN = "upstream_unknown"
    UPSTREAM_UNUSED = "upstream_unused"
    SCOPE_MISSPELT = "scope_misspelt"
    SCOPE_UNUSED = "scope_unused"
    LITERAL_REACHABLE = "literal_reachable"


RULES: Final[Mapping[Rule, str]] = MappingProxyType(
    {
        Rule.UNREADABLE: "A file that is named cannot be read.",
        Rule.TOO_LARGE: "A file is larger than any that makes sense in its place.",
        Rule.TOO_MANY: "So much is wrong with a file that the rest was not read.",
        Rule.ENCODING: "A file is not UTF-8, or holds control characters.",
        Rule.SYNTAX: "A text does not follow YAML's grammar, or is nested too deeply.",
        Rule.MERGE_CONFLICT: "The marks of a merge that nobody finished stand in a file.",
        Rule.YAML_FEATURE: "Anchors, aliases, tags, keys that are no words and second documents are not read.",
        Rule.DUPLICATE_KEY: "A key is written twice in one mapping.",
        Rule.EMPTY: "A file says nothing.",
        Rule.UNKNOWN_KEY: "A key names no setting.",
        Rule.UNKNOWN_VARIABLE: "An environment variable names no setting.",
        Rule.MISSING_KEY: "A key that is needed is not there.",
        Rule.INVALID_VALUE: "A value is not one that can stand in its place.",
        Rule.DUPLICATE_VALUE: "A value is listed twice.",
        Rule.CONFLICT: "Two values exclude each other.",
        Rule.SECRET_IN_FILE: "A password stands in a file that many read.",
        Rule.OPEN_TO_OTHERS: "A file of secrets can be read by others.",
        Rule.ROUTE_KEY: "A route's key is not a method that is served and a path template.",
        Rule.ROUTE_REPEATED: "One method and path template is mapped twice.",
        Rule.ROUTE_AMBIGUOUS: "Two templates of one method match the same paths.",
        Rule.UPSTREAM_UNKNOWN: "A service names an upstream that is not there.",
        Rule.UPSTREAM_UNUSED: "An upstream serves no route.",
        Rule.SCOPE_MISSPELT: "A scope is needed that nobody described, and that is close to one that was.",
        Rule.SCOPE_UNUSED: "A scope is described that no route needs.",
        Rule.LITERAL_REACHABLE: "A literal segment is taken for a parameter under another method.",
    }
)
