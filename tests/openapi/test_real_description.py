"""GitHub's own description, as its npm package ships it: over a thousand operations, imported, checked and merged.

Not part of `make test`: it is fetched, and it measures. `pytest -m bench tests/openapi` runs it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from gateway.core.model import Access
from gateway.openapi.drafting import Wishes
from gateway.openapi.importing import Limits, OldText, describe, make_map
from gateway.openapi.scope_list import blank_scope_list, read_scope_list
from tests.openapi.made import TARGET

PACKAGE = "@octokit/openapi@23.0.2"
MEMBER = "package/generated/api.github.com.json"

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not there, which fetches the description")
    folder = tmp_path_factory.mktemp("real")
    done = subprocess.run(
        [npm, "pack", PACKAGE, "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"{PACKAGE} cannot be fetched: {done.stderr.strip()[:200]}")
    with tarfile.open(folder / done.stdout.split()[-1]) as package:
        package.extract(MEMBER, folder, filter="data")
    return folder / MEMBER


def test_a_real_description_becomes_a_map_that_can_be_served(file: Path) -> None:
    began = time.perf_counter()
    description = describe(str(file), Limits(), versions=True)
    made = make_map([description], Wishes(), target=TARGET)
    seconds = time.perf_counter() - began
    written = sum(
        method in {"get", "put", "post", "delete", "options", "head", "patch"}
        for item in json.loads(file.read_bytes())["paths"].values()
        for method in item
    )
    routes = made.route_map.routes
    print(
        f"\n{PACKAGE}: {file.stat().st_size} bytes, {written} operations, {len(routes)} routes, "
        f"{len(made.denied)} denied, {len(made.drafted.left_out)} left out, {seconds:.2f} s"
    )
    assert written >= 500
    assert len(description.operations) == written
    assert len(routes) + len(made.drafted.left_out) + made.drafted.folded == written
    # It names no security at all: each of them is denied, none is open.
    assert {route.access for route in routes} == {Access.DENY}

    again = make_map([description], Wishes(), target=TARGET, old=OldText(path=TARGET, data=made.data))
    assert again.data == made.data

    filled = blank_scope_list(made.denied).replace(b",,,the description names no security for it", b",repo,,")
    wishes = Wishes(scope_list=read_scope_list(Path("scopes.csv"), filled))
    merged = make_map([description], wishes, target=TARGET, old=OldText(path=TARGET, data=made.data))
    assert {route.scopes for route in merged.route_map.routes} == {("repo",)}
    assert merged.denied == []
