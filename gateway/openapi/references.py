"""`$ref`s followed: inside a document, and into files of the folder that the description lies in, never outside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gateway.core.model import Problem
from gateway.openapi.values import read_values
from gateway.settings.errors import ConfigurationError
from gateway.settings.scalar import shown

# A chain of references that is longer than this is a mistake, if it ends at all.
_LONGEST_CHAIN: Final = 64
_MOST_FILES: Final = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document: its name in problems, its value, and where its files are; no path for what came over the network."""

    name: str
    root: object
    path: Path | None = None

    def __repr__(self) -> str:
        return f"Document({self.name})"


@dataclass(slots=True)
class References:
    """Follows references from a description, reading each further file once with `read_file`, which raises
    ConfigurationError. `folder` bounds them."""

    folder: Path | None
    read_file: Callable[[Path], bytes]
    _files: dict[Path, Document] = field(default_factory=dict)

    def follow(self, value: object, home: Document) -> tuple[object, Document]:
        """What `value`, found in `home`, stands for, and the document in which that stands.

        Members beside a `$ref` win over those of its target. Raises ConfigurationError when a reference leads nowhere,
        outside or in a circle.
        """
        seen: set[tuple[str, str]] = set()
        beside: dict[str, object] = {}
        while isinstance(value, dict) and isinstance(reference := value.get("$ref"), str):
            beside = {**{key: item for key, item in value.items() if key != "$ref"}, **beside}
            if (home.name, reference) in seen or len(seen) >= _LONGEST_CHAIN:
                raise _refused(home, reference, "leads in a circle; point it at the value itself")
            seen.add((home.name, reference))
            value, home = self._target(reference, home)
        if beside and isinstance(value, dict):
            value = {**value, **beside}
        return value, home

    def _target(self, reference: str, home: Document) -> tuple[object, Document]:
        file, _, fragment = reference.partition("#")
        document = self._document(reference, file, home) if file else home
        if not fragment:
            return document.root, document
        if not fragment.startswith("/"):
            raise _refused(
                home, reference, "names an anchor, which is not read; write a path such as #/components/…"
            )
        value = document.root
        for word in fragment[1:].split("/"):
            key = unquote(word).replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise _refused(home, reference, f"leads nowhere: there is no {shown(key)}; correct it")
        return value, document

    def _document(self, reference: str, file: str, home: Document) -> Document:
        if urlsplit(file).scheme or file.startswith("//"):
            raise _refused(
                home,
                reference,
                "is an address, and only files are followed; bundle the description into one file",
            )
        if home.path is None or self.folder is None:
            raise _refused(
                home,
                reference,
                "is a file, but the description came without a folder; bundle it into one file",
            )
        path = (home.path.parent / unquote(file)).resolve()
        if not path.is_relative_to(self.folder):
            raise _refused(
                home,
                reference,
                f"is outside {self.folder}; name a folder above with --refs-in, or bundle it into one file",
            )
        if path not in self._files:
            if len(self._files) >= _MOST_FILES:
                raise _refused(
                    home, reference, f"is one of more than {_MOST_FILES} files; bundle them into one"
                )
            self._files[path] = Document(str(path), read_values(self.read_file(path), str(path)), path)
        return self._files[path]


def _refused(home: Document, reference: str, why: str) -> ConfigurationError:
    return ConfigurationError([Problem(where=home.name, message=f"$ref {shown(reference)} {why}")])
