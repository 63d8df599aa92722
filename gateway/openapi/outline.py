"""Of a description the part that a route map is made of: paths, methods, security, servers, tags, the `Version` header.

Schemas, bodies, examples and answers are left unread: they are nine tenths of a description, most of its mistakes and all of
its circles, and say nothing of who may call. What is left is itself a small description, for the models to judge.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.core.model import Problem
from gateway.openapi.references import Document, References
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import shown

METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "trace")
VERSION_HEADER: Final = "version"
# Values that are taken over from one description; anchors and references can make a small file stand for any number.
MAX_VALUES: Final = 2_000_000
_READ: Final = re.compile(r"3\.(?P<minor>[01])(?:\..*)?")
# The models know each patch release by name, and a description of the next one is no other language.
_MODELLED: Final = {"0": "3.0.3", "1": "3.1.0"}
_OPERATION_KEYS: Final = ("tags", "operationId", "deprecated", "security", "servers")
_SCHEME_KEYS: Final = ("type", "scheme", "name", "in", "openIdConnectUrl")
_DEEPEST_SCHEMA: Final = 8
_DEEPEST_COPY: Final = 8


def outline(home: Document, references: References, *, versions: bool) -> dict[str, Any]:
    """The outline of the description `home`; `versions` tells whether to look for `Version` headers.

    Raises ConfigurationError when it is no description of OpenAPI 3.0 or 3.1, or refers to what is not there.
    """
    return _Outline(home, references, versions).whole()


class _Outline:
    def __init__(self, home: Document, references: References, versions: bool) -> None:
        self._home = home
        self._references = references
        self._versions = versions
        self._left = MAX_VALUES

    def whole(self) -> dict[str, Any]:
        root = self._root()
        info = root.get("info")
        found: dict[str, Any] = {
            "openapi": _MODELLED[_minor(root, self._home)],
            "info": {
                "title": _text(info.get("title")) if isinstance(info, dict) else "",
                "version": _text(info.get("version")) if isinstance(info, dict) else "",
            },
            "paths": {},
            "components": {"securitySchemes": self._schemes(root)},
        }
        for key in ("security", "servers"):
            if root.get(key) is not None:
                found[key] = self._copy(root[key])
        paths, home = self._references.follow(root.get("paths") or {}, self._home)
        if not isinstance(paths, dict):
            raise self._problem(f"paths is {shown(paths)}; write a mapping of paths")
        for path, raw in paths.items():
            if not path.startswith("x-"):
                found["paths"][path] = self._item(raw, home)
        return found

    def _root(self) -> dict[str, Any]:
        root = self._home.root
        if not isinstance(root, dict):
            found = "nothing" if root is None else shown(root)
            raise self._problem(
                f"this is no OpenAPI description: it holds {found}; name the file that has `openapi:`"
            )
        return root

    def _schemes(self, root: dict[str, Any]) -> dict[str, Any]:
        components, home = self._references.follow(root.get("components") or {}, self._home)
        schemes = components.get("securitySchemes") if isinstance(components, dict) else None
        schemes, home = self._references.follow(schemes or {}, home)
        if not isinstance(schemes, dict):
            raise self._problem(f"components.securitySchemes is {shown(schemes)}; write a mapping of schemes")
        found: dict[str, Any] = {}
        for name, raw in schemes.items():
            scheme, _ = self._references.follow(raw, home)
            if isinstance(scheme, dict):
                flows = scheme.get("flows")
                found[name] = {
                    **{key: scheme[key] for key in _SCHEME_KEYS if isinstance(scheme.get(key), str)},
                    **({"flows": self._flows(flows)} if isinstance(flows, dict) else {}),
                }
            else:
                found[name] = scheme
        return found

    def _flows(self, flows: dict[str, Any]) -> dict[str, Any]:
        """Only the words for scopes: a flow that lacks an address is still no concern of a route map."""
        found = {}
        for name, flow in flows.items():
            scopes = flow.get("scopes") if isinstance(flow, dict) else None
            if isinstance(scopes, dict):
                self._count(len(scopes))
                words = {scope: word for scope, word in scopes.items() if isinstance(word, str)}
                found[name] = {"scopes": words}
        return found

    def _item(self, raw: object, home: Document) -> object:
        item, home = self._references.follow(raw, home)
        if not isinstance(item, dict):
            return {} if item is None else item
        self._count(1)
        found: dict[str, Any] = {}
        if item.get("servers"):
            found["servers"] = self._copy(item["servers"])
        shared = self._parameters(item, home)
        for method in METHODS:
            if item.get(method) is not None:
                found[method] = self._operation(item[method], home, shared)
        return found

    def _operation(self, raw: object, home: Document, shared: list[Any]) -> object:
        operation, home = self._references.follow(raw, home)
        if not isinstance(operation, dict):
            return operation
        self._count(1)
        # An operation's parameter replaces the path's of the same name; one that only asks for the header again is both.
        own = self._parameters(operation, home)
        return {
            **{key: self._copy(operation[key]) for key in _OPERATION_KEYS if operation.get(key) is not None},
            "parameters": own or shared,
            "responses": {},
        }

    def _parameters(self, holder: dict[str, Any], home: Document) -> list[Any]:
        raw = holder.get("parameters")
        if not self._versions or raw is None:
            return []
        if not isinstance(raw, list):
            raise self._problem(f"parameters is {shown(raw)}; write a list")
        found = []
        for each in raw:
            self._count(1)
            parameter, place = self._references.follow(each, home)
            if not isinstance(parameter, dict) or parameter.get("in") != "header":
                continue
            name = parameter.get("name")
            if not isinstance(name, str) or name.lower() != VERSION_HEADER:
                continue
            values = self._values(parameter.get("schema"), place, _DEEPEST_SCHEMA)
            schema = {"schema": {"enum": values}} if values else {}
            found.append(
                {"name": name, "in": "header", "required": parameter.get("required") is True, **schema}
            )
        return found

    def _values(self, raw: object, home: Document, depth: int) -> list[str]:
        """The values that a schema lists, as texts."""
        schema, home = self._references.follow(raw, home)
        if not isinstance(schema, dict) or not depth:
            return []
        listed = schema.get("enum")
        values = list(listed) if isinstance(listed, list) else []
        if "const" in schema:
            values.append(schema["const"])
        for key in ("allOf", "anyOf", "oneOf"):
            parts = schema.get(key)
            for part in parts if isinstance(parts, list) else ():
                values += self._values(part, home, depth - 1)
        self._count(len(values))
        return list(dict.fromkeys(_text(value) for value in values if value is not None))

    def _copy(self, value: object, depth: int = 0) -> object:
        self._count(1)
        if depth > _DEEPEST_COPY:
            raise self._problem("tags, servers or security are nested too deep to be any; correct them")
        if isinstance(value, dict):
            return {key: self._copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self._copy(item, depth + 1) for item in value]
        return value

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise self._problem(
                f"the description stands for more than {MAX_VALUES} values, through anchors or references; split it"
            )

    def _problem(self, message: str) -> ConfigurationError:
        return ConfigurationError([Problem(where=self._home.name, message=message)])


def _minor(root: dict[str, Any], home: Document) -> str:
    if "openapi" not in root:
        found = (
            "Swagger 2.0; convert it to OpenAPI 3 first"
            if "swagger" in root
            else "no OpenAPI description: it has no `openapi:`"
        )
        raise ConfigurationError([Problem(where=home.name, message=f"this is {found}")])
    match = _READ.fullmatch(_text(root["openapi"]))
    if match is None:
        message = (
            f"this is OpenAPI {shown(root['openapi'])}, and 3.0 and 3.1 are read; convert it to one of them"
        )
        raise ConfigurationError([Problem(where=home.name, message=message)])
    return match["minor"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
