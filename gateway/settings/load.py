"""The settings of a gateway from its file and its environment, or everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr, ValidationError

from gateway.core.rules import Rule
from gateway.settings.addresses import carries_password, parse_database_url
from gateway.settings.environment import overlay, read_environment
from gateway.settings.errors import ConfigurationError
from gateway.settings.model import Settings
from gateway.settings.sources import Sources
from gateway.settings.validation import dotted, explain
from gateway.settings.yaml_document import parse_file, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.core.model import Problem
    from gateway.settings.environment import Overrides
    from gateway.settings.yaml_document import Document, Value

_MAX_BYTES: Final = 1024 * 1024
_MAX_SECRET_BYTES: Final = 64 * 1024
# The peppers, the data folder and the route map are looked at by whoever makes or reads them.
_MUST_BE_READABLE: Final = (
    ("proxy", "tls", "cert_file"),
    ("proxy", "tls", "key_file"),
    ("upstream", "ca_file"),
    ("upstream", "client_cert_file"),
    ("upstream", "client_key_file"),
)


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings in the file at `path`, overridden by `environ`; without a path, the defaults overridden by it.

    Relative paths are taken from the file's folder, without a file from the working directory. Raises
    ConfigurationError with all problems, each at its `file:line` or variable.
    """
    overrides = read_environment(environ)
    document = None if path is None else _read(path, overrides)
    written = {} if document is None else _mapping(document, overrides)
    sources = Sources(document=document, variables=overrides.variables)
    problems = [*overrides.problems, *(() if document is None else document.problems)]
    problems += () if document is None else _passwords(written, document)

    base = Path.cwd() if path is None else path.absolute().parent
    values = overlay(_without_other_address(written, overrides.values), overrides.values)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(values, context={"base": base})
    except ValidationError as error:
        problems += explain(error, sources)
    if settings is not None:
        problems += _unreadable(settings, sources)
        settings = _with_address_from_file(settings, sources, problems)
    if settings is None or problems:
        raise ConfigurationError(sorted(problems, key=_order))
    return settings


def named_map(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The route map that settings name which cannot be used, where that much can be read and the map is there."""
    try:
        overrides = read_environment(environ)
        written = {} if path is None else _mapping(_read(path, overrides), overrides)
    except ConfigurationError:
        return None
    name = overrides.values.get("routes", written.get("routes", "routes.yaml"))
    base = Path.cwd() if path is None else path.absolute().parent
    found = base / name if isinstance(name, str) and name and "\0" not in name else None
    return found if found is not None and found.is_file() else None


def _read(path: Path, overrides: Overrides) -> Document:
    try:
        return parse_file(path, read_bytes(path, limit=_MAX_BYTES))
    except ConfigurationError as error:
        raise ConfigurationError([*error.problems, *overrides.problems]) from None


def _mapping(document: Document, overrides: Overrides) -> dict[str, Value]:
    if isinstance(document.value, dict):
        return document.value
    if document.value is None:
        message = "there are no settings here; write some, or {} for the defaults"
    else:
        message = "the settings are not a mapping; write `section:` and indent its settings below it"
    rule = Rule.EMPTY if document.value is None else Rule.INVALID_VALUE
    problem = document.problem((), message, rule)
    raise ConfigurationError([*document.problems, problem, *overrides.problems])


def _passwords(written: dict[str, Value], document: Document) -> Iterator[Problem]:
    database = written.get("database")
    url = database.get("url") if isinstance(database, dict) else None
    if isinstance(url, str) and carries_password(url):
        message = (
            "database.url: a password does not belong in this file; "
            "set GATEWAY__DATABASE__URL, or put the address into a file and name it in database.url_file"
        )
        yield document.problem(("database", "url"), message, Rule.SECRET_IN_FILE)


def _without_other_address(written: dict[str, Value], over: Mapping[str, Value]) -> dict[str, Value]:
    """The file's values without the address of the database that the environment replaces, in either form."""
    database, replaced = written.get("database"), over.get("database")
    if (
        not isinstance(database, dict)
        or not isinstance(replaced, dict)
        or not {"url", "url_file"} & set(replaced)
    ):
        return written
    kept = {key: value for key, value in database.items() if key not in {"url", "url_file"}}
    return {**written, "database": kept}


def _unreadable(settings: Settings, sources: Sources) -> Iterator[Problem]:
    for setting in _MUST_BE_READABLE:
        value: object = settings
        for name in setting:
            value = getattr(value, name, None)
        if not isinstance(value, Path):
            continue
        try:
            with value.open("rb") as file:
                file.read(1)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            message = (
                f"{dotted(setting)}: {value} cannot be read: {reason}; check the path and its permissions"
            )
            yield sources.problem(setting, message, Rule.UNREADABLE)


def _with_address_from_file(settings: Settings, sources: Sources, problems: list[Problem]) -> Settings:
    """The settings with the database's address in place of the name of its file, or one more problem."""
    url_file = settings.database.url_file
    if url_file is None:
        return settings
    try:
        url = parse_database_url(read_bytes(url_file, limit=_MAX_SECRET_BYTES).decode("utf-8").strip())
    except (ConfigurationError, ValueError):
        message = (
            "database.url_file: the file cannot be read or holds no PostgreSQL address; "
            "write one line into it such as postgresql://gateway:…@db.internal:5432/gateway"
        )
        problems.append(sources.problem(("database", "url_file"), message, Rule.UNREADABLE))
        return settings
    database = settings.database.model_copy(update={"url": SecretStr(url)})
    return settings.model_copy(update={"database": database})


def _order(problem: Problem) -> tuple[bool, str, int]:
    source, line = problem.place
    # What the file says first, line by line; then the variables.
    return not line, source, line
