"""A description from its document: the outline is judged by the models of the OpenAPI library, and what they hold is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from openapi_pydantic import parse_obj
from openapi_pydantic.v3 import v3_0, v3_1
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.core.model import Problem
from gateway.openapi.operation import Description, Operation, Requirement, Server
from gateway.openapi.outline import METHODS, outline
from gateway.openapi.references import Document, References
from gateway.openapi.servers import NOWHERE, read_server
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import one_line, shown
from gateway.settings.validation import dotted

_Model = v3_0.OpenAPI | v3_1.OpenAPI
_Servers = list[v3_0.Server] | list[v3_1.Server] | None
_PathItem = v3_0.PathItem | v3_1.PathItem
_Operation = v3_0.Operation | v3_1.Operation

# The branches of the models' unions, which the one who wrote the description has never heard of.
_BRANCHES: Final = frozenset({"Parameter", "Reference", "SecurityScheme", "Schema"})
_MOST_REPORTED: Final = 20
_WORDS: Final = {
    "missing": "is missing; add it",
    "string_type": "is {}; write text",
    "list_type": "is {}; write a list",
    "dict_type": "is {}; write a mapping",
    "model_type": "is {}; write a mapping",
    "model_attributes_type": "is {}; write a mapping",
    "bool_parsing": "is {}; write true or false",
    "bool_type": "is {}; write true or false",
}


def read_description(
    home: Document, references: References, *, stem: str, origin: str | None, versions: bool
) -> Description:
    """The description in the document `home`. `origin` is the address it came from; None for a file.

    Raises ConfigurationError with every problem of what a map is made of.
    """
    sketched = outline(home, references, versions=versions)
    try:
        model = parse_obj(sketched)
    except ValidationError as error:
        raise ConfigurationError(_problems(error, home.name)) from None
    servers = _Served(origin)
    top = servers.first(model.servers) if "servers" in sketched else NOWHERE
    operations = tuple(_operations(model, servers, top))
    return Description(
        name=home.name,
        stem=stem,
        title=one_line(model.info.title),
        version=one_line(model.info.version),
        operations=operations,
        schemes=frozenset((model.components and model.components.securitySchemes) or ()),
        scopes=_scope_words(model),
        remarks=(*servers.remarks, *_ids_used_twice(operations)),
    )


class _Served:
    """The first server of each list; the others of a list are the same API in other places."""

    def __init__(self, origin: str | None) -> None:
        self._origin = origin
        self.remarks: list[str] = []

    def first(self, servers: _Servers) -> Server:
        if not servers:
            return NOWHERE
        defaults = {name: variable.default for name, variable in (servers[0].variables or {}).items()}
        server, remark = read_server(servers[0].url, defaults, self._origin)
        if remark is not None and remark not in self.remarks:
            self.remarks.append(remark)
        return server


def _operations(model: _Model, servers: _Served, top: Server) -> Iterator[Operation]:
    shared = _requirements(model.security)
    for path, item in (model.paths or {}).items():
        around = servers.first(item.servers) if item.servers else top
        for method in METHODS:
            operation: _Operation | None = getattr(item, method)
            if operation is None:
                continue
            own = _requirements(operation.security)
            yield Operation(
                method=method.upper(),
                path=path,
                security=shared if own is None else own,
                server=servers.first(operation.servers) if operation.servers else around,
                operation_id=operation.operationId,
                tags=tuple(operation.tags or ()),
                versions=_versions(operation),
                deprecated=operation.deprecated,
            )


def _requirements(security: list[dict[str, list[str]]] | None) -> tuple[Requirement, ...] | None:
    if security is None:
        return None
    return tuple(
        {scheme: tuple(scopes) for scheme, scopes in requirement.items()} for requirement in security
    )


def _versions(operation: _Operation) -> tuple[str, ...]:
    """Where calls without the header are described as fine, its values are not for the gateway to ask for."""
    for parameter in operation.parameters or ():
        if isinstance(parameter, (v3_0.Parameter, v3_1.Parameter)) and parameter.required:
            schema = parameter.param_schema
            if isinstance(schema, (v3_0.Schema, v3_1.Schema)):
                return tuple(map(str, schema.enum or ()))
    return ()


def _scope_words(model: _Model) -> Mapping[str, str]:
    words: dict[str, str] = {}
    schemes = (model.components and model.components.securitySchemes) or {}
    for scheme in schemes.values():
        flows = getattr(scheme, "flows", None)
        for name in ("authorizationCode", "implicit", "password", "clientCredentials"):
            flow = getattr(flows, name, None)
            for scope, text in (flow.scopes if flow is not None else {}).items():
                if text.strip():
                    words.setdefault(scope, text)
    return words


def _ids_used_twice(operations: tuple[Operation, ...]) -> Iterator[str]:
    first: dict[str, Operation] = {}
    for operation in operations:
        name = operation.operation_id
        if name is not None and (other := first.setdefault(name, operation)) is not operation:
            yield one_line(
                f"operationId {shown(name)} is used by {other.method} {other.path} and {operation.method} "
                f"{operation.path}; the map goes by method and path"
            )


def _problems(error: ValidationError, name: str) -> Iterator[Problem]:
    found = dict.fromkeys(_problem(detail) for detail in error.errors(include_url=False) if _is_told(detail))
    for message, _ in zip(found, range(_MOST_REPORTED), strict=False):
        yield Problem(where=name, message=message)


def _is_told(detail: ErrorDetails) -> bool:
    """References have been followed: that a value is not one either is noise."""
    return "Reference" not in detail["loc"]


def _problem(detail: ErrorDetails) -> str:
    # The first word is the version of the model.
    path = tuple(part for part in detail["loc"][1:] if part not in _BRANCHES)
    words = _WORDS.get(detail["type"], detail["msg"]).format(shown(detail["input"]))
    return one_line(f"{dotted(path) or 'the description'}: {words}")
