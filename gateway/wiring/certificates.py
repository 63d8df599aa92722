"""Certificates and keys, from their files to what TLS is spoken with; a file that was renewed counts as another."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.core.model import Problem, RouteMap
from gateway.settings.errors import ConfigurationError
from gateway.settings.model import Settings, Tls, Upstream
from gateway.settings.yaml_document import read_bytes


def certificate_files(settings: Settings) -> list[Path]:
    """Every certificate and key that the settings name."""
    tls = settings.proxy.tls
    return [*_upstream_files(settings.upstream), *([] if tls is None else [tls.cert_file, tls.key_file])]


def contents(paths: Iterable[Path]) -> str:
    """A digest of what is in the files. Raises ConfigurationError."""
    found = hashlib.sha256()
    for path in paths:
        found.update(hashlib.sha256(read_bytes(path)).digest())
    return found.hexdigest()


def server_tls(tls: Tls | None) -> ssl.SSLContext | None:
    """What the proxy listener speaks TLS with; None: plain HTTP. Raises ConfigurationError."""
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    renew_server_tls(context, tls)
    return context


def renew_server_tls(context: ssl.SSLContext, tls: Tls) -> None:
    """Show the certificate that is in the files now, from the next handshake on. Raises ConfigurationError."""
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
    except OSError as error:  # which ssl.SSLError is, too
        raise _unusable("proxy.tls", tls.cert_file, tls.key_file, error) from None


def _no_passphrase() -> str:
    # Without this OpenSSL would ask at the terminal, and the gateway would stand still until somebody answers.
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamTls:
    """How `https://` upstreams are verified, and what they are shown. `context` None: there are none."""

    context: ssl.SSLContext | None
    made_of: tuple[object, ...]

    @classmethod
    def none(cls) -> UpstreamTls:
        """That of a map without `https://` upstreams."""
        return cls(context=None, made_of=())

    @classmethod
    def of(cls, settings: Settings, route_map: RouteMap, former: UpstreamTls | None = None) -> UpstreamTls:
        """That of a configuration; the former one where nothing changed that it was made of.

        Connections stay open only under the terms they were opened on. Raises ConfigurationError.
        """
        upstream = settings.upstream
        urls = [url for served in route_map.upstreams.values() for url in served.urls]
        if not any(url.startswith("https:") for url in urls):
            return cls.none()
        files = _upstream_files(upstream)
        made_of = (*files, contents(files))
        if former is not None and former.made_of == made_of:
            return former
        return cls(context=_client_tls(upstream), made_of=made_of)


def _upstream_files(upstream: Upstream) -> list[Path]:
    named = (upstream.ca_file, upstream.client_cert_file, upstream.client_key_file)
    return [path for path in named if path is not None]


def _client_tls(upstream: Upstream) -> ssl.SSLContext:
    # Reading the system's certificates takes 20 ms: only for who needs them.
    try:
        context = ssl.create_default_context(cafile=str(upstream.ca_file) if upstream.ca_file else None)
    except OSError as error:
        problem = f"upstream.ca_file: {upstream.ca_file} holds no usable certificates: {error}; write PEM"
        raise ConfigurationError([Problem(where=str(upstream.ca_file), message=problem)]) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if upstream.client_cert_file is not None:
        try:
            context.load_cert_chain(
                upstream.client_cert_file, upstream.client_key_file, password=_no_passphrase
            )
        except OSError as error:
            raise _unusable(
                "upstream.client_cert_file", upstream.client_cert_file, upstream.client_key_file, error
            ) from None
    return context


def _unusable(setting: str, cert: Path, key: Path | None, error: OSError) -> ConfigurationError:
    message = (
        f"{setting}: this certificate and the key in {key} cannot be used together: {error}; "
        "write the PEM chain, and the PEM key that belongs to it without a passphrase"
    )
    return ConfigurationError([Problem(where=str(cert), message=message)])
