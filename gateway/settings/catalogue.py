"""All settings by their path, as the models declare them: what an environment variable or a suggestion can name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from gateway.settings.model import Settings
from gateway.settings.section import Section, bare_types, subsection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE_PREFIX: Final = "GATEWAY__"


class Form(StrEnum):
    """How a setting's value is written where there is only text: as YAML, as a word of YAML, as it stands."""

    SECTION = "section"
    LIST = "list"
    WORD = "word"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A place in the settings. `optional`: it may be absent, which is `null` in text."""

    path: tuple[str, ...]
    form: Form
    optional: bool

    @property
    def name(self) -> str:
        """The dotted name: `proxy.limits.head`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable that overrides it: `GATEWAY__PROXY__LIMITS__HEAD`."""
        return VARIABLE_PREFIX + "__".join(self.path).upper()


def _settings_in(section: type[Section], path: tuple[str, ...]) -> Iterator[Setting]:
    for name, field in section.model_fields.items():
        inside = (*path, name)
        optional = type(None) in bare_types(field.annotation)
        below = subsection(field.annotation)
        if below is None:
            yield Setting(path=inside, form=_form(bare_types(field.annotation)), optional=optional)
        else:
            yield Setting(path=inside, form=Form.SECTION, optional=optional)
            yield from _settings_in(below, inside)


def _form(types: frozenset[object]) -> Form:
    if types & {tuple, frozenset}:
        return Form.LIST
    return Form.WORD if types & {int, bool, Literal} else Form.TEXT


CATALOGUE: Final[Mapping[tuple[str, ...], Setting]] = {
    setting.path: setting for setting in _settings_in(Settings, ())
}
