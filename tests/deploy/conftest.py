"""The files of deploy/, read once."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings.load import load_settings

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return PROJECT


@pytest.fixture(scope="session")
def deploy() -> Path:
    """The folder of what is deployed."""
    return PROJECT / "deploy"


@pytest.fixture(scope="session")
def compose(deploy: Path) -> dict[str, Any]:
    """compose.yaml, its anchors resolved."""
    document = yaml.safe_load((deploy / "compose.yaml").read_text())
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="session")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services of compose.yaml by their name."""
    found = compose["services"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="session")
def instructions(deploy: Path) -> list[tuple[str, str]]:
    """The instructions of the Containerfile in order, each as its word and the rest, in one line."""
    lines = (deploy / "Containerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    parted = (line.partition(" ") for line in text.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, _, rest in parted]


@pytest.fixture(scope="session")
def image_environment(instructions: list[tuple[str, str]]) -> dict[str, str]:
    """The GATEWAY__ variables that the image sets."""
    assignments = [item for word, rest in instructions if word == "ENV" for item in shlex.split(rest)]
    parted = (item.partition("=") for item in assignments)
    return {name: value for name, _, value in parted if name.startswith("GATEWAY__")}


@pytest.fixture(scope="session")
def unit(deploy: Path) -> list[tuple[str, str]]:
    """The directives of gateway.service in order; some stand there more than once."""
    lines = (deploy / "gateway.service").read_text().splitlines()
    parted = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return [(name, value) for name, _, value in parted]


@pytest.fixture(scope="session")
def drain(deploy: Path) -> float:
    """How many seconds the deployed gateway takes to stop, at most."""
    url = {"GATEWAY__DATABASE__URL": "postgresql://gateway@db.example/gateway"}
    return load_settings(deploy / "etc" / "gateway.yaml", url).proxy.drain
