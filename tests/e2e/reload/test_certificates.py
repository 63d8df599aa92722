"""A renewed certificate is shown from the next handshake on; one that cannot be used changes nothing."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from gateway.wiring.reload import Result
from tests.e2e.reload.maps import written
from tests.e2e.tls.certificates import Authority
from tests.proxy.caller import request
from tests.proxy.recording import fine
from tests.wiring.rig import Rig


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("renewed"), "ours")


async def shown(port: int, trusting: ssl.SSLContext) -> bytes:
    """The certificate of the listener."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    try:
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        assert isinstance(found, bytes)
        return found
    finally:
        writer.close()
        await writer.wait_closed()
        del reader


def renew(folder: Path, authority: Authority) -> None:
    pair = authority.server("127.0.0.1")
    for name, file in (("cert.pem", pair.cert), ("key.pem", pair.key)):
        (folder / name).write_bytes(file.read_bytes())


async def test_a_renewed_certificate_is_shown_and_connections_stay(rig: Rig, authority: Authority) -> None:
    renew(rig.folder, authority)
    upstream = await rig.upstream(fine)
    gateway, site = await rig.gateway_on_files(
        written(upstream.url),
        more="proxy: {listen: '127.0.0.1:0', tls: {cert_file: cert.pem, key_file: key.pem}}\n",
        watched=False,
    )
    port, trusting = gateway.node.proxy_port, authority.trusting()
    first = await shown(port, trusting)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
    renew(rig.folder, authority)
    assert await gateway.node.reload("test") is Result.APPLIED
    second = await shown(port, trusting)
    assert second != first
    (rig.folder / "cert.pem").write_text("not a certificate\n")
    assert await gateway.node.reload("test") is Result.REFUSED
    assert "proxy.tls" in (gateway.node.health().map.problem or "")
    assert await shown(port, trusting) == second
    # The connection that was open before either.
    writer.write(request("GET", "/contacts/c1", b"Connection: close", token=rig.token))
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert site.map.exists()
