"""The description of the API as a page: what an OpenAPI document says, in HTML that needs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

Described = Mapping[str, Any]
_CODE: Final = re.compile(r"`([^`]+)`")
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def _prose(text: str) -> str:
    """Text with `code` in it."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _name(ref: str) -> str:
    return ref.rpartition("/")[2]


def _resolve(document: Described, value: Described) -> Described:
    while "$ref" in value:
        found: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _kind(schema: Described) -> str:
    """A schema in a few words of HTML."""
    if "$ref" in schema:
        name = escape(_name(schema["$ref"]))
        return f'<a href="#schema-{name}">{name}</a>'
    if "allOf" in schema:
        return " and ".join(_kind(one) for one in schema["allOf"])
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "any")
    kinds = kind if isinstance(kind, list) else [kind]
    if "array" in kinds and "items" in schema:
        rest = [escape(one) for one in kinds if one != "array"]
        return " or ".join([f"array of {_kind(schema['items'])}", *rest])
    return escape(" or ".join(kinds)) + _bounds(schema)


def _bounds(schema: Described) -> str:
    words = [schema["format"]] if "format" in schema else []
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is not None or high is not None:
        words.append(f"{'' if low is None else low}…{'' if high is None else high}")
    if "default" in schema and schema["default"] not in (None, "", {}):
        words.append(f"default {str(schema['default']).lower()}")
    return f' <span class="bounds">{escape(", ".join(map(str, words)))}</span>' if words else ""


def _rows(rows: Iterator[tuple[str, str, str]]) -> str:
    cells = "".join(
        f'<tr><th scope="row">{name}</th><td>{kind}</td><td>{text}</td></tr>' for name, kind, text in rows
    )
    return f'<div class="scroll"><table>{cells}</table></div>' if cells else ""


def _properties(schema: Described) -> str:
    required = set(schema.get("required", ()))

    def rows() -> Iterator[tuple[str, str, str]]:
        for name, one in schema.get("properties", {}).items():
            mark = "" if name in required else ' <span class="optional">optional</span>'
            yield f"<code>{escape(name)}</code>{mark}", _kind(one), _prose(one.get("description", ""))

    return _rows(rows())


def _parameters(operation: Described) -> str:
    def rows() -> Iterator[tuple[str, str, str]]:
        for one in operation.get("parameters", ()):
            mark = "" if one.get("required") else ' <span class="optional">optional</span>'
            where = f'<span class="bounds">{escape(one["in"])}</span>'
            yield (
                f"<code>{escape(one['name'])}</code>{mark}",
                f"{where} {_kind(one['schema'])}",
                _prose(one.get("description", "")),
            )

    table = _rows(rows())
    return f"<h4>Parameters</h4>{table}" if table else ""


def _body(operation: Described) -> str:
    if "requestBody" not in operation:
        return ""
    ((content_type, content),) = operation["requestBody"]["content"].items()
    return f"<h4>Body</h4><p>{_kind(content['schema'])} as <code>{escape(content_type)}</code></p>"


def _responses(document: Described, operation: Described) -> str:
    def rows() -> Iterator[tuple[str, str, str]]:
        for status, one in operation["responses"].items():
            response = _resolve(document, one)
            kinds = [_kind(content["schema"]) for content in response.get("content", {}).values()]
            yield (
                f'<span class="status s{status[0]}">{escape(status)}</span>',
                " or ".join(kinds) or "no content",
                _prose(response["description"]),
            )

    return f"<h4>Answers</h4>{_rows(rows())}"


def _who(operation: Described) -> str:
    names = {name for way in operation["security"] for name in way}
    if not names:
        return "anyone"
    return "an admin key or a session" if "adminKey" in names else "a session"


def _operation(document: Described, method: str, path: str, operation: Described) -> str:
    shown = re.sub(r"(\{[^}]+\})", r"<i>\1</i>", escape(path))
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>'
        f'<span class="method {method}">{method.upper()}</span> <span class="path">{shown}</span>'
        f'<span class="words">{_prose(operation["summary"])}</span></summary>'
        f'<div class="inner"><p>For {_who(operation)}.</p>'
        f"{_parameters(operation)}{_body(operation)}{_responses(document, operation)}</div></details>"
    )


def _operations(document: Described, tag: str) -> str:
    return "".join(
        _operation(document, method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and tag in item[method]["tags"]
    )


def _schema(name: str, schema: Described) -> str:
    values = "" if "properties" in schema else f"<p>{_kind(schema)}</p>"
    return (
        f'<section class="schema" id="schema-{escape(name)}"><h3>{escape(name)}</h3>'
        f"<p>{_prose(schema.get('description', ''))}</p>{values}{_properties(schema)}</section>"
    )


def page(document: Described) -> str:
    """The whole page."""
    info = document["info"]
    tags = document["tags"]
    contents = "".join(f'<li><a href="#{escape(tag["name"])}">{escape(tag["name"])}</a></li>' for tag in tags)
    sections = "".join(
        f'<section id="{escape(tag["name"])}"><h2>{escape(tag["name"])}</h2><p>{_prose(tag["description"])}</p>'
        f"{_operations(document, tag['name'])}</section>"
        for tag in tags
    )
    schemas = "".join(_schema(name, one) for name, one in sorted(document["components"]["schemas"].items()))
    about = "".join(f"<p>{_prose(part)}</p>" for part in info["description"].split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}</title>"
        '<link rel="stylesheet" href="docs.css"></head><body>'
        f'<nav aria-label="Contents"><ul>{contents}<li><a href="#types">Types</a></li>'
        '<li><a href="openapi.json">openapi.json</a></li></ul></nav>'
        f"<main><h1>{escape(info['title'])}</h1>"
        f'<p class="version">Version {escape(info["version"])}</p>{about}{sections}'
        f'<section id="types"><h2>Types</h2>{schemas}</section></main></body></html>'
    )
