"""SIGTERM: sockets are told, requests in flight are answered, streams have the time that was set, nothing is left."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.e2e.served import served
from tests.e2e.streams.frames import ASKING, CLOSE, close_code, read_frame, switching
from tests.e2e.streams.net import ROUTES, Exactly
from tests.proxy.caller import request
from tests.proxy.recording import OK, Arrival, Line, RecordingUpstream
from tests.wiring.standing import Standing


async def test_sigterm_closes_sockets_with_1001_answers_what_is_in_flight_and_cuts_the_rest_in_time(
    tmp_path: Path, standing: Standing
) -> None:
    told: list[tuple[int, str]] = []
    stopping = asyncio.Event()

    async def script(arrival: Arrival, line: Line) -> None:
        if arrival.values(b"Upgrade"):
            await line.send(switching(arrival))
            opcode, payload = await read_frame(Exactly(line))
            assert opcode == CLOSE
            told.append(close_code(payload))
        elif arrival.target == "/plain":
            await stopping.wait()
            await line.send(OK)
        else:
            await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n:\n\r\n")
            await line.ended()

    upstream = RecordingUpstream(script)
    await upstream.start()
    token = standing.full.secret
    routes = ROUTES.replace("MAIN", upstream.url)
    async with served(tmp_path, standing.dsn, routes, PROXY__DRAIN="5s") as gateway:
        socket, waiting, stream, idle = [await gateway.caller() for _ in range(4)]
        await socket.send(request("GET", "/socket/s1", *ASKING, token=token))
        assert (await socket.head())[0] == 101
        await stream.send(request("GET", "/events/e1", token=token))
        assert (await stream.head())[0] == 200
        assert await stream.exactly(7) == b"2\r\n:\n\r\n"
        await waiting.send(request("GET", "/plain", token=token))
        await upstream.arrived(3)
        gateway.terminate()
        opcode, payload = await read_frame(socket)
        assert (opcode, close_code(payload)[0]) == (CLOSE, 1001)
        assert await idle.rest() == b""
        stopping.set()
        answer = await waiting.answer()
        assert (answer.status, answer.body, answer.closes) == (200, b"ok", True)
        try:
            rest = await stream.rest()
        except ConnectionResetError:
            rest = b""
        assert rest == b"", "a stream that is cut must not look whole"
        assert await gateway.ended() == 0
        assert [code for code, _ in told] == [1001]
        for caller in (socket, waiting, stream, idle):
            await caller.close()
    await upstream.stop()
