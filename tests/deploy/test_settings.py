"""What deploy/ writes as settings, routes and commands is what the gateway reads."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.core.route_check import check
from gateway.settings.catalogue import CATALOGUE
from gateway.settings.load import load_settings
from gateway.settings.route_map import load_route_map

RULES = "{extends: default, rules: {line-length: {max: 120}}}"
VARIABLE = re.compile(r"GATEWAY__[A-Z0-9_]+")
# A command as one writes it: its name, then words and options up to what a shell would read.
COMMAND = re.compile(r"(?:\$gw|/opt/gateway/bin/gateway) ([^#\n]+)")


def test_every_yaml_file_is_tidy(deploy: Path) -> None:
    """No key twice, no value that reads as something else, no line too long."""
    yamllint = Path(sys.executable).parent / "yamllint"
    done = subprocess.run(
        [yamllint, "--strict", "-d", RULES, deploy], capture_output=True, text=True, check=False
    )
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_every_variable_names_a_setting(deploy: Path) -> None:
    """A misspelt variable stops the start, at the worst time."""
    known = {setting.variable for setting in CATALOGUE.values()} | {"GATEWAY__SECTION__KEY"}
    named = {
        variable
        for file in deploy.rglob("*")
        if file.is_file() and "secrets" not in file.parts
        for variable in VARIABLE.findall(file.read_text())
    }
    assert "GATEWAY__DATABASE__URL_FILE" in named
    assert named - known == set()


@pytest.mark.parametrize("service", ["gateway", "migrate"])
def test_the_containers_settings_load(
    service: str,
    services: dict[str, dict[str, Any]],
    image_environment: dict[str, str],
    deploy: Path,
    tmp_path: Path,
) -> None:
    """With the image's variables and those of compose.yaml: reachable in the container, secrets in their places."""
    environ = {**image_environment, **services[service]["environment"]}
    secret = Path(environ["GATEWAY__DATABASE__URL_FILE"])
    assert secret == Path("/run/secrets", services[service]["secrets"][0])
    here = tmp_path / secret.name
    here.write_text("postgresql://gateway:secret@postgres:5432/gateway\n")
    environ["GATEWAY__DATABASE__URL_FILE"] = str(here)
    settings = load_settings(deploy / "etc" / "gateway.yaml", environ)
    assert (settings.proxy.listen.host, settings.proxy.listen.port) == ("0.0.0.0", 8080)
    assert (settings.admin.listen.host, settings.admin.listen.port) == ("0.0.0.0", 8081)
    assert settings.database.url is not None
    # On the volume: peppers in the container's own layer would be lost with it.
    mounts = [
        volume.partition(":")[2] for volume in services["gateway"]["volumes"] if isinstance(volume, str)
    ]
    assert mounts == [str(settings.pepper_file.parent)] == [str(settings.data_dir)]


def test_the_routes_have_no_problem(deploy: Path) -> None:
    """Not even a warning: it is the first map that people copy."""
    route_map = load_route_map(deploy / "etc" / "routes.yaml")
    assert [str(problem) for problem in check(route_map)] == []
    assert len(route_map.routes) >= 5


def test_the_settings_name_the_routes_beside_them(deploy: Path) -> None:
    url = {"GATEWAY__DATABASE__URL": "postgresql://gateway@db.example/gateway"}
    assert load_settings(deploy / "etc" / "gateway.yaml", url).routes == deploy / "etc" / "routes.yaml"


def test_every_command_is_one(
    deploy: Path, services: dict[str, dict[str, Any]], unit: list[tuple[str, str]]
) -> None:
    """What the README tells people to type, and what containers and the unit start, exists with these options."""
    written = COMMAND.findall((deploy / "README.md").read_text())
    commands = [shlex.split(line) for line in written]
    commands += [service["command"] for service in services.values() if "command" in service]
    commands += [shlex.split(value)[1:] for name, value in unit if name == "ExecStart"]
    names = {
        tuple(command[: 2 if command[0] in {"account", "integration", "admin-key"} else 1])
        for command in commands
    }
    assert {("serve",), ("migrate",), ("check",), ("admin-key", "create")} <= names
    for name in sorted(names):
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*name, "--help"])
        assert done.exit_code == 0, (name, done.output)
        options = {
            word
            for command in commands
            if tuple(command[: len(name)]) == name
            for word in command
            if word.startswith("--")
        }
        assert {option for option in options if option not in done.output.split()} == set(), name
