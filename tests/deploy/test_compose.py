"""compose.yaml: nothing is open that need not be, and everything starts in an order that works."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.settings.route_map import load_route_map
from gateway.settings.units import parse_duration

Services = dict[str, dict[str, Any]]


def test_only_the_proxy_is_published_to_others(services: Services) -> None:
    """The admin listener and the database must not be reachable from the network."""
    published = {port for service in services.values() for port in service.get("ports", ())}
    assert published == {"8080:8080", "127.0.0.1:8081:8081"}
    assert "network_mode" not in {key for service in services.values() for key in service}


def test_only_the_gateway_meets_everyone(services: Services, compose: dict[str, Any]) -> None:
    """An upstream that is broken into does not reach the database."""
    assert {name: set(service["networks"]) for name, service in services.items()} == {
        "gateway": {"public", "store", "upstreams"},
        "migrate": {"store"},
        "postgres": {"store"},
        "upstream-1": {"upstreams"},
        "upstream-2": {"upstreams"},
    }
    internal = {name for name, network in compose["networks"].items() if network.get("internal")}
    assert internal == {"store", "upstreams"}


def test_every_image_is_pinned(services: Services, project: Path) -> None:
    version = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in services.values()} == {
        f"private-integrations-gateway:{version}",
        "postgres:17-trixie",
    }


def test_what_is_built_is_built_from_this_project(services: Services, deploy: Path) -> None:
    built = [service["build"] for service in services.values() if "build" in service]
    assert len(built) == 4
    for build in built:
        context = (deploy / build["context"]).resolve()
        assert (context / "pyproject.toml").is_file()
        assert context / build["dockerfile"] == deploy / "Containerfile"


def test_no_service_has_rights_it_does_not_need(services: Services) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
    assert [name for name, service in services.items() if "cap_add" in service] == ["postgres"]


def test_the_gateway_waits_for_what_it_needs(services: Services) -> None:
    waits = {name: entry["condition"] for name, entry in services["gateway"]["depends_on"].items()}
    assert waits["migrate"] == "service_completed_successfully"
    assert waits["postgres"] == "service_healthy"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    # A migration that starts again and again would never be complete.
    assert services["migrate"]["restart"] == "no"
    # The socket answers while the database is still being made.
    assert "--host=127.0.0.1" in services["postgres"]["healthcheck"]["test"]


def test_the_gateway_is_not_killed_while_it_drains(services: Services, drain: float) -> None:
    assert parse_duration(services["gateway"]["stop_grace_period"]) > drain + 5


def test_the_routes_lead_to_the_upstreams_that_are_started(services: Services, deploy: Path) -> None:
    listening = {
        f"{name}:{urlsplit('//' + service['command'][-1]).port}"
        for name, service in services.items()
        if service.get("command", [""])[0] == "sample-upstream"
    }
    route_map = load_route_map(deploy / "etc" / "routes.yaml")
    named = {urlsplit(url).netloc for upstream in route_map.upstreams.values() for url in upstream.urls}
    assert named == listening
    assert len(named) == 2


def test_secrets_are_files_that_are_not_in_the_repository(
    services: Services, compose: dict[str, Any], deploy: Path
) -> None:
    files = {name: secret["file"] for name, secret in compose["secrets"].items()}
    assert {Path(file).parent.as_posix() for file in files.values()} == {"secrets"}
    assert "secrets/" in (deploy / ".gitignore").read_text().splitlines()
    used = {name: service["secrets"] for name, service in services.items() if "secrets" in service}
    assert used == {
        "gateway": ["database-url"],
        "migrate": ["database-url"],
        "postgres": ["postgres-password"],
    }
    assert {name for names in used.values() for name in names} == set(files)


def test_named_volumes_are_declared(services: Services, compose: dict[str, Any]) -> None:
    named = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if isinstance(volume, str)
    }
    assert named == set(compose["volumes"])
