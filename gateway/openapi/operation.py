"""What a description says: its operations, each with what the map needs to know of it. No judgement yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Scheme → scopes; all schemes of a requirement are needed together, and one requirement of several is enough.
Requirement = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Server:
    """Where operations are served: `base` is `scheme://host[:port]`, None where the description does not say; `prefix`
    is what stands before every path, such as `/v2`, or empty."""

    base: str | None
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as its description has it.

    `security` None: nothing is said, neither here nor for the whole description; an empty tuple: open to anyone.
    `versions` are the values that a `Version` header may have, when it must be sent.
    """

    method: str
    path: str
    security: tuple[Requirement, ...] | None
    server: Server
    operation_id: str | None = None
    tags: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    deprecated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A description. `name` is what it was given by, `stem` its file's name without ending; `scopes` maps scopes to words;
    `remarks` say what was made of its peculiarities."""

    name: str
    stem: str
    title: str
    version: str
    operations: tuple[Operation, ...]
    schemes: frozenset[str]
    scopes: Mapping[str, str]
    remarks: tuple[str, ...] = ()
