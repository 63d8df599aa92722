"""Imports are the architecture: absolute, downward, without cycles; and core is pure. Proved on the real tree, and on
tiny trees that break each rule, so that the proof is known to be able to fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "gateway"

# A layer may import layers of a lower rank, never its equals.
RANKS = {
    "core": 0,
    "settings": 1,
    "storage": 1,
    "index": 2,
    "openapi": 2,
    "proxy": 3,
    "admin": 4,
    "jobs": 4,
    "wiring": 5,
    "cli": 6,
    "__main__": 7,
}

# What cannot reach a clock, a socket, a loop, a logger, the environment or a source of entropy.
PURE = frozenset(
    [
        "__future__",
        "abc",
        "base64",
        "binascii",
        "bisect",
        "collections",
        "collections.abc",
        "dataclasses",
        "datetime",
        "difflib",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
        "http",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "operator",
        "re",
        "string",
        "struct",
        "types",
        "typing",
        "urllib.parse",
        "zlib",
    ]
)
# `http` opens sockets below; only this of it is pure.
ONLY_NAMES = {"http": {"HTTPStatus", "HTTPMethod"}}
IMPURE_CALLS = frozenset({"open", "print", "input", "eval", "exec", "compile", "breakpoint", "__import__"})
IMPURE_METHODS = frozenset({"now", "utcnow", "today", "fromtimestamp", "file_digest"})


def modules(root: Path) -> dict[str, ast.Module]:
    """Every module below `root` by its dotted name, parsed."""
    found: dict[str, ast.Module] = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


def layer(module: str) -> str:
    """The layer of a dotted name; the package itself is none."""
    return module.split(".")[1] if "." in module else ""


def imports(name: str, tree: ast.Module, known: dict[str, ast.Module]) -> Iterator[tuple[int, str]]:
    """(line, module) of every import in a module, wherever it stands; names that are modules count as modules."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield node.lineno, full if full in known else node.module


def relative(known: dict[str, ast.Module]) -> list[str]:
    """Imports that are not absolute."""
    return [
        f"{name}:{node.lineno}"
        for name, tree in known.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def upward(known: dict[str, ast.Module]) -> list[str]:
    """Imports of a layer that is not below the importing one, and modules of no layer."""
    package = min(known, key=len)
    problems = [f"{name}: no layer" for name in known if name != package and layer(name) not in RANKS]
    for name, tree in known.items():
        for line, target in imports(name, tree, known):
            if target.split(".")[0] != package or layer(target) == layer(name):
                continue
            if layer(name) == "" or (
                layer(target) and RANKS.get(layer(target), 99) >= RANKS.get(layer(name), -1)
            ):
                problems.append(f"{name}:{line} imports {target}")
    return problems


def cycle(known: dict[str, ast.Module]) -> list[str]:
    """The modules of one import cycle, or nothing."""
    edges = {
        name: {target for _, target in imports(name, tree, known) if target in known} - {name}
        for name, tree in known.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done:
            return []
        for target in sorted(edges[name]):
            if found := visit(target, [*trail, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(edges) if (found := visit(name, []))), [])


def impure(known: dict[str, ast.Module]) -> list[str]:
    """What core does or imports and must not."""
    problems: list[str] = []
    for name, tree in known.items():
        if layer(name) != "core":
            continue
        for line, target in imports(name, tree, known):
            if target not in PURE and layer(target) != "core":
                problems.append(f"{name}:{line} imports {target}")
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in ONLY_NAMES:
                names = {alias.name for alias in node.names} - ONLY_NAMES[node.module]
                problems += [f"{name}:{node.lineno} imports {node.module}.{one}" for one in sorted(names)]
            elif isinstance(node, ast.Import) and any(alias.name in ONLY_NAMES for alias in node.names):
                problems.append(f"{name}:{node.lineno} imports a whole package that is not pure")
            elif isinstance(node, (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)):
                problems.append(f"{name}:{node.lineno} waits")
            elif isinstance(node, ast.Name) and node.id in IMPURE_CALLS:
                problems.append(f"{name}:{node.lineno} uses {node.id}")
            elif isinstance(node, ast.Attribute) and node.attr in IMPURE_METHODS:
                problems.append(f"{name}:{node.lineno} uses .{node.attr}")
    return problems


@pytest.fixture(scope="module")
def real() -> dict[str, ast.Module]:
    return modules(ROOT)


def test_there_is_a_tree_to_judge(real: dict[str, ast.Module]) -> None:
    assert {"gateway", "gateway.core.policy", "gateway.core.paths"} <= real.keys()


def test_imports_are_absolute(real: dict[str, ast.Module]) -> None:
    assert relative(real) == []


def test_imports_point_downwards_only(real: dict[str, ast.Module]) -> None:
    assert upward(real) == []


def test_no_module_imports_itself_through_others(real: dict[str, ast.Module]) -> None:
    assert cycle(real) == []


def test_core_is_pure(real: dict[str, ast.Module]) -> None:
    assert impure(real) == []


def grow(root: Path, files: dict[str, str]) -> dict[str, ast.Module]:
    """A small tree of files, as modules."""
    for name, text in {"gateway/__init__.py": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return modules(root / "gateway")


def test_the_proof_sees_a_relative_import(tmp_path: Path) -> None:
    assert relative(grow(tmp_path, {"gateway/core/a.py": "from . import b\n"})) == ["gateway.core.a:1"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("core/a.py", "from gateway.settings import load\n"),
        ("core/a.py", "def f():\n    import gateway.cli\n"),
        ("core/a.py", "from gateway import proxy\n"),
        ("settings/a.py", "import gateway.storage.pool\n"),
        ("storage/a.py", "from gateway.settings.model import Settings\n"),
        ("index/a.py", "from gateway.proxy import pipeline\n"),
        ("proxy/a.py", "if TYPE_CHECKING:\n    from gateway.admin import app\n"),
        ("proxy/a.py", "from gateway.jobs import deadlines\n"),
        ("admin/a.py", "from gateway.jobs import deadlines\n"),
        ("jobs/a.py", "from gateway.admin import app\n"),
        ("wiring.py", "from gateway.cli import main\n"),
        ("jobs/a.py", "from gateway.wiring import build\n"),
        ("__init__.py", "from gateway.core import paths\n"),
        ("utils/a.py", ""),
    ],
)
def test_the_proof_sees_an_upward_import(tmp_path: Path, file: str, text: str) -> None:
    stubs = {f"gateway/{name}/__init__.py": "" for name in ("settings", "proxy", "admin", "jobs", "cli")}
    assert len(upward(grow(tmp_path, {**stubs, f"gateway/{file}": text}))) == 1


def test_the_proof_lets_downward_imports_pass(tmp_path: Path) -> None:
    tree = {
        "gateway/core/a.py": "import re\n",
        "gateway/settings/a.py": "from gateway.core import a\n",
        "gateway/index/a.py": "from gateway.storage import b\nimport gateway.core.a\n",
        "gateway/wiring.py": "from gateway.jobs import x\nfrom gateway.admin import y\n",
        "gateway/cli/__init__.py": "from gateway.wiring import build\nfrom gateway import core\n",
        "gateway/storage/b.py": "",
    }
    known = grow(tmp_path, tree)
    assert (relative(known), upward(known), cycle(known), impure(known)) == ([], [], [], [])


def test_the_proof_sees_a_cycle_of_three(tmp_path: Path) -> None:
    tree = {
        "gateway/core/a.py": "from gateway.core.b import x\n",
        "gateway/core/b.py": "from gateway.core import c\n",
        "gateway/core/c.py": "def f():\n    import gateway.core.a\n",
    }
    assert cycle(grow(tmp_path, tree)) == [f"gateway.core.{name}" for name in "abca"]


def test_the_proof_sees_a_cycle_through_a_package(tmp_path: Path) -> None:
    tree = {
        "gateway/settings/__init__.py": "from gateway.settings.load import load\n",
        "gateway/settings/load.py": "from gateway.settings import other\n",
    }
    assert cycle(grow(tmp_path, tree)) == ["gateway.settings", "gateway.settings.load", "gateway.settings"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"import {name}\n"
            for name in [
                "time",
                "os",
                "socket",
                "asyncio",
                "logging",
                "random",
                "secrets",
                "io",
                "threading",
                "pathlib",
                "sys",
            ]
        ),
        "from os import environ\n",
        "def f():\n    from time import monotonic\n",
        "import http\n",
        "from http import client\n",
        "from aiohttp import web\n",
        "from gateway.settings import load\n",
        "def f():\n    return open('x')\n",
        "print('x')\n",
        "input()\n",
        "from datetime import datetime\ndatetime.now()\n",
        "from datetime import date\ndate.today()\n",
        "async def f():\n    pass\n",
        "reader = open\n",
    ],
)
def test_the_proof_sees_impurity(tmp_path: Path, text: str) -> None:
    assert len(impure(grow(tmp_path, {"gateway/core/a.py": text}))) == 1


def test_purity_is_asked_of_core_alone(tmp_path: Path) -> None:
    assert impure(grow(tmp_path, {"gateway/storage/a.py": "import os\nopen('x')\n"})) == []
