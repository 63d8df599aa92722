"""The image: what it is made from, who it runs as, and whether its health check can tell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

Instructions = list[tuple[str, str]]


class Healthz(BaseHTTPRequestHandler):
    """Answers as the admin listener of a healthy gateway does, and nothing else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Nothing to standard error."""


@pytest.fixture
def admin_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Healthz) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_hadolint_has_nothing_to_say(deploy: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, deploy / "Containerfile"], capture_output=True, text=True, check=False)
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)


def test_the_base_is_one_release_of_python(instructions: Instructions, project: Path) -> None:
    """A moving tag would build another image tomorrow, on a Python that nobody tried."""
    bases = {rest.split()[0] for word, rest in instructions if word == "FROM"}
    assert len(bases) == 1
    base = re.fullmatch(r"python:(3\.\d+)-slim-[a-z]+", bases.pop())
    assert base is not None
    classifiers = tomllib.loads((project / "pyproject.toml").read_text())["project"]["classifiers"]
    assert f"Programming Language :: Python :: {base[1]}" in classifiers


def test_it_runs_as_a_fixed_user_that_is_not_root(instructions: Instructions) -> None:
    runtime = instructions[[word for word, _ in instructions].index("FROM", 1) :]
    words = dict(runtime)
    assert words["USER"] == "10001:10001"
    assert [word for word, _ in runtime].index("RUN") < [word for word, _ in runtime].index("USER")
    made = next(rest for word, rest in runtime if word == "RUN")
    assert "useradd --uid 10001 " in made
    assert "apt" not in made


def test_it_starts_and_stops_as_documented(instructions: Instructions) -> None:
    words = dict(instructions)
    assert words["STOPSIGNAL"] == "SIGTERM"
    # A list: a shell in between would keep the signal to itself.
    assert json.loads(words["ENTRYPOINT"]) == ["gateway"]
    assert json.loads(words["CMD"]) == ["serve", "--config", "/etc/gateway/gateway.yaml"]
    assert words["EXPOSE"].split() == ["8080", "8081"]


def test_the_peppers_outlive_the_container(
    instructions: Instructions, image_environment: dict[str, str]
) -> None:
    assert dict(instructions)["VOLUME"] == image_environment["GATEWAY__DATA_DIR"]


def probe(instructions: Instructions, port: int) -> int:
    command = dict(instructions)["HEALTHCHECK"].partition(" CMD ")[2]
    program, *arguments = json.loads(command)
    assert program == "python"
    # A proxy for outgoing requests, at a port where nobody is, must not be asked.
    environ = {
        **os.environ,
        "http_proxy": "http://127.0.0.1:9",
        "no_proxy": "",
        "GATEWAY__ADMIN__LISTEN": f"0.0.0.0:{port}",
    }
    return subprocess.run(
        [sys.executable, *arguments], env=environ, capture_output=True, check=False
    ).returncode


def test_the_health_check_sees_a_living_gateway(instructions: Instructions, admin_port: int) -> None:
    assert probe(instructions, admin_port) == 0


def test_the_health_check_sees_a_dead_gateway(instructions: Instructions) -> None:
    assert probe(instructions, 9) == 1


def test_only_what_is_copied_is_sent_to_the_builder(instructions: Instructions, deploy: Path) -> None:
    """Secrets of an installation and data of a demo lie beside the sources."""
    first, *rest = [
        line
        for line in (deploy / "Containerfile.dockerignore").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert first == "*"
    let_in = {line[1:] for line in rest if line.startswith("!")}
    copied = [
        words.split()[:-1] for word, words in instructions if word == "COPY" and not words.startswith("--")
    ]
    assert let_in == {source for sources in copied for source in sources}
