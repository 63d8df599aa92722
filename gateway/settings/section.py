"""What every section of the settings shares: no unknown key, no change after reading, and how its values may conflict."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

# The error type under which `conflicts` reach whoever explains a validation error.
CONFLICT: Final = "conflict"


class Section(BaseModel):
    """A mapping of settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def conflicts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Settings that do not go together: the dotted names, the one to change first, and what to do."""
        yield from ()

    @model_validator(mode="before")
    @classmethod
    def _read_empty_sections(cls, value: Any) -> Any:
        # A section whose every line is commented out is `null` in YAML, and means its defaults.
        if not isinstance(value, Mapping):
            return value
        return {
            key: entry
            for key, entry in value.items()
            if entry is not None or key not in cls.model_fields or not has_section_default(cls, key)
        }

    @model_validator(mode="after")
    def _refuse_conflicts(self) -> Self:
        found = list(self.conflicts())
        if found:
            raise PydanticCustomError(CONFLICT, "settings conflict", {"found": found})
        return self


def has_section_default(section: type[Section], key: str) -> bool:
    return isinstance(section.model_fields[key].default, Section)


def subsection(annotation: Any) -> type[Section] | None:
    """The section in a field's type, optional or not; None for a single setting."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    if get_origin(annotation) in {Union, UnionType}:
        return next((found for part in get_args(annotation) if (found := subsection(part))), None)
    return None


def bare_types(annotation: Any) -> frozenset[Any]:
    """The types a value may have, without metadata and parameters: {tuple}, {float, NoneType}."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return bare_types(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return frozenset().union(*(bare_types(part) for part in get_args(annotation)))
    return frozenset({origin or annotation})
