"""The JSON Schema of the settings file: the models' shape, with the words and defaults of the annotated file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gateway.settings.annotated_file import Annotation, read_annotations
from gateway.settings.model import Settings
from gateway.settings.schema_forms import DRAFT, Schema
from gateway.settings.section import Section, has_section_default, subsection
from gateway.settings.yaml_document import KeyPath


def settings_schema(annotated: str) -> Schema:
    """The schema; `annotated` is the text of the annotated file. It accepts all that is read, and a little more."""
    made = Settings.model_json_schema(schema_generator=_Generator)
    tree: Schema = _inlined(made, made.get("$defs", {}))
    _annotate(tree, Settings, (), read_annotations(annotated))
    return {"$schema": DRAFT, "title": "Settings of the Private Integrations Gateway", **tree}


class _Generator(GenerateJsonSchema):
    """Without titles, which only repeat the names, and without defaults, which are not in the form they are written in."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - an override
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Each section stands in one place: with references gone, words can be put beside everything."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rpartition("/")[2]], definitions)
    # A set takes an item twice.
    dropped = {"$defs", "title", "description", "uniqueItems"}
    inside = {key: _inlined(value, definitions) for key, value in node.items() if key != "properties"}
    kept = {key: value for key, value in inside.items() if key not in dropped}
    if "properties" in node:
        # A setting may be called like a keyword.
        kept["properties"] = {
            name: _inlined(value, definitions) for name, value in node["properties"].items()
        }
    return kept


def _annotate(
    schema: Schema, section: type[Section], path: KeyPath, said: Mapping[KeyPath, Annotation]
) -> None:
    for name, field in section.model_fields.items():
        inside = (*path, name)
        below = subsection(field.annotation)
        form = schema["properties"][name]
        if below is not None:
            _annotate(form["anyOf"][0] if "anyOf" in form else form, below, inside, said)
            if has_section_default(section, name):
                # With all its lines commented out it is null, and means its defaults.
                form = {"anyOf": [form, {"type": "null"}]}
        annotation = said[inside]
        notes: Schema = {"description": annotation.words}
        if below is None:
            notes |= {"examples": [annotation.value]} if annotation.absent else {"default": annotation.value}
        schema["properties"][name] = notes | form | notes
