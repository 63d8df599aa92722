"""gateway.service: systemd understands it, it gives few rights away, and its secrets arrive in a form that is taken."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings.load import load_settings
from gateway.settings.pepper import load_peppers
from gateway.settings.units import parse_duration

Unit = list[tuple[str, str]]

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here"
)


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


@needs_systemd
def test_systemd_understands_the_unit(deploy: Path, tmp_path: Path) -> None:
    """A misspelt directive is a warning to systemd, and a protection that is not there."""
    text = (deploy / "gateway.service").read_text()
    copy = tmp_path / "gateway.service"
    # verify wants to see the program; every other word stays.
    copy.write_text(text.replace("/opt/gateway/bin/gateway", sys.executable))
    done = analyze("verify", "--man=no", "--recursive-errors=no", copy)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze is too old")
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


@needs_systemd
def test_the_unit_exposes_little(deploy: Path) -> None:
    """At most 2.5 of 10, which systemd calls OK."""
    done = analyze("security", "--no-pager", "--offline=yes", "--threshold=25", deploy / "gateway.service")
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a file")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gateway_is_not_killed_while_it_drains(unit: Unit, drain: float) -> None:
    assert parse_duration(dict(unit)["TimeoutStopSec"]) > drain + 5


def test_bad_configuration_is_not_tried_again(unit: Unit) -> None:
    """Exit status 2 stays until a person changes a file."""
    directives = dict(unit)
    assert directives["Restart"] == "on-failure"
    assert directives["RestartPreventExitStatus"] == "2"


def test_credentials_become_settings_that_the_gateway_takes(unit: Unit, deploy: Path, tmp_path: Path) -> None:
    """systemd hands credentials over as mode 0440 where it uses access lists; peppers in that mode are refused."""
    places = {"%d": tmp_path / "credentials", "%t": tmp_path / "run", "%S": tmp_path / "state"}
    original = tmp_path / "original"
    peppers = load_peppers(original, entropy=lambda count: bytes(range(1, count + 1)))
    (places["%t"] / "gateway").mkdir(parents=True)
    places["%d"].mkdir()
    loaded = {
        value.partition(":")[0]: value.partition(":")[2] for name, value in unit if name == "LoadCredential"
    }
    assert set(loaded) == {"database-url", "peppers"}
    (places["%d"] / "database-url").write_text("postgresql://gateway:secret@db.example/gateway\n")
    (places["%d"] / "peppers").write_bytes(original.read_bytes())
    (places["%d"] / "peppers").chmod(0o440)

    def resolved(value: str) -> str:
        for specifier, place in places.items():
            value = value.replace(specifier, str(place))
        return value

    preparation = dict(unit)["ExecStartPre"]
    # Twice: a restart finds the copy of the start before.
    for _ in range(2):
        subprocess.run(shlex.split(resolved(preparation)), check=True)
    parted = (resolved(value).partition("=") for name, value in unit if name == "Environment")
    environ = {name: value for name, _, value in parted}
    settings = load_settings(deploy / "etc" / "gateway.yaml", environ)
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://gateway:secret@db.example/gateway"
    assert settings.data_dir == places["%S"] / "gateway"
    assert load_peppers(settings.pepper_file, entropy=bytes) == peppers
    # Root's own commands, without the unit's environment, find the originals.
    for name, path in loaded.items():
        assert Path(path) == Path("/etc/gateway/credentials", name)


def test_the_folders_it_writes_to_are_its_own(unit: Unit) -> None:
    directives = dict(unit)
    assert directives["ProtectSystem"] == "strict"
    assert "ReadWritePaths" not in directives
    for name in ("StateDirectory", "RuntimeDirectory"):
        assert directives[name] == "gateway"
        assert directives[f"{name}Mode"] == "0700"
