"""Each kind of problem is found where it is made, under its name: a script that waits for a name must meet it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.model import Problem
from gateway.core.route_check import check
from gateway.core.rules import Rule
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings
from gateway.settings.pepper import load_peppers
from gateway.settings.route_map import load_route_map

Found = Callable[[Path], list[Problem]]


def settings(text: str, **environ: str) -> Found:
    def found(folder: Path) -> list[Problem]:
        (folder / "gateway.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
        return _problems(lambda: load_settings(folder / "gateway.yaml", environ))

    return found


def route_map(text: str, *, upstreams: str = "crm: {urls: [http://a]}", scopes: str = "{}") -> Found:
    """A map with these entries under the routes of one service."""

    def found(folder: Path) -> list[Problem]:
        path = folder / "routes.yaml"
        path.write_text(
            f"upstreams: {{{upstreams}}}\nscopes: {scopes}\n"
            f"services:\n  s:\n    upstream: crm\n    routes:\n{text}"
        )
        problems: list[Problem] = []
        return _problems(lambda: problems.extend(check(load_route_map(path)))) or problems

    return found


def _problems(read: Callable[[], object]) -> list[Problem]:
    try:
        read()
    except ConfigurationError as error:
        return list(error.problems)
    return []


def missing_file(folder: Path) -> list[Problem]:
    return _problems(lambda: load_route_map(folder / "nowhere.yaml"))


def peppers(text: str, *, mode: int = 0o600) -> Found:
    def found(folder: Path) -> list[Problem]:
        path = folder / "peppers"
        path.write_text(text)
        path.chmod(mode)
        return _problems(lambda: load_peppers(path, entropy=bytes))

    return found


MERGE = "log:\n<<<<<<< HEAD\n  level: info\n=======\n  level: debug\n>>>>>>> theirs\n"

CASES: list[tuple[Rule, Found, int, int]] = [
    (Rule.UNREADABLE, missing_file, 0, 0),
    (Rule.UNREADABLE, settings("proxy: {tls: {cert_file: a, key_file: b}}"), 1, 15),
    (Rule.TOO_LARGE, settings("#" * (1024 * 1024 + 1)), 0, 0),
    (Rule.TOO_MANY, settings("\n".join(["a: &a x", *(f"a{at}: *a" for at in range(2000))])), 1000, 0),
    (Rule.TOO_MANY, route_map("".join(f"      GET /{at}: 5\n" for at in range(2000))), 1006, 0),
    (Rule.ENCODING, settings("data_dir: \udcff"), 1, 0),
    (Rule.ENCODING, settings("data_dir: a\n\x07b"), 2, 0),
    (Rule.SYNTAX, settings("log:\n  level: [info\n"), 3, 1),
    (Rule.SYNTAX, settings("log: " + "[" * 40 + "]" * 40), 1, 37),
    (Rule.MERGE_CONFLICT, settings(MERGE), 2, 1),
    (Rule.YAML_FEATURE, settings("log: &a {}\nadmin: *a\n"), 1, 6),
    (Rule.YAML_FEATURE, settings("log: {}\n---\nlog: {}\n"), 2, 1),
    (Rule.DUPLICATE_KEY, settings("log: {}\nlog: {}\n"), 2, 1),
    (Rule.EMPTY, settings("# nothing\n"), 1, 0),
    (Rule.EMPTY, peppers(""), 0, 0),
    (Rule.UNKNOWN_KEY, settings("log:\n  levle: info\n"), 2, 3),
    (Rule.UNKNOWN_KEY, route_map("      GET /a: {scope: a, acount: any}\n"), 7, 26),
    (Rule.UNKNOWN_VARIABLE, settings("log: {}", GATEWAY__LOG__LEVLE="info"), 0, 0),
    (Rule.MISSING_KEY, settings("proxy:\n  tls:\n    cert_file: a\n"), 2, 3),
    (Rule.MISSING_KEY, route_map("      GET /a: {versions: [x]}\n"), 7, 7),
    (Rule.INVALID_VALUE, settings("log: {level: chatty}"), 1, 7),
    (Rule.INVALID_VALUE, route_map("      GET /a: 'a b'\n"), 7, 7),
    (Rule.INVALID_VALUE, settings("log: {}", GATEWAY__LOG__LEVEL="chatty"), 0, 0),
    (Rule.DUPLICATE_VALUE, route_map("      GET /a: [a, a]\n"), 7, 19),
    (Rule.CONFLICT, settings("proxy: {listen: 'a:1'}\nadmin: {listen: 'a:1'}\n"), 2, 9),
    (Rule.CONFLICT, route_map("      GET /a: {scope: a, all_of: [a]}\n"), 7, 26),
    (Rule.SECRET_IN_FILE, settings("database:\n  url: postgresql://a:b@c/d\n"), 2, 3),
    (Rule.OPEN_TO_OTHERS, peppers("1 " + "0" * 64, mode=0o644), 0, 0),
    (Rule.ROUTE_KEY, route_map("      GET /a//b: a\n"), 7, 7),
    (Rule.ROUTE_REPEATED, route_map("      GET /a: a\n  t:\n    upstream: crm\n    routes: {GET /a: a}\n"), 10, 0),
    (Rule.ROUTE_AMBIGUOUS, route_map("      GET /{a}: a\n      GET /{b}: a\n"), 8, 0),
    (Rule.UPSTREAM_UNKNOWN, route_map("      GET /a: a\n", upstreams="crn: {urls: [http://a]}"), 7, 0),
    (Rule.UPSTREAM_UNUSED, route_map("      {}\n"), 1, 0),
    (Rule.SCOPE_MISSPELT, route_map("      GET /a: notes.raed\n", scopes="{notes.read: x}"), 7, 0),
    (Rule.SCOPE_UNUSED, route_map("      GET /a: a\n", scopes="{b: x}"), 2, 0),
    (Rule.LITERAL_REACHABLE, route_map("      GET /a/b: a\n      PUT /a/{x}: a\n"), 7, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "found", "line", "column"), CASES, ids=[f"{at}-{case[0]}" for at, case in enumerate(CASES)]
)
def test_a_problem_has_its_rule_and_its_place(
    tmp_path: Path, rule: Rule, found: Found, line: int, column: int
) -> None:
    problems = found(tmp_path)
    assert (rule, line, column) in [
        (problem.rule, problem.place[1], problem.column) for problem in problems
    ], problems


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, *_ in CASES} == set(Rule)
