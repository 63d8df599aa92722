"""curl, as a process: all requests of one call in one command line, so that it keeps its connection."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.e2e.clients.work import Ask, Seen, Unsupported

_SECONDS = "60"


class WithCurl:
    """curl with `--http1.1` or `--http1.0`; uploads go by `-T`, which makes it ask with `Expect: 100-continue`."""

    def __init__(self, version: str = "1.1") -> None:
        self.name = f"curl --http{version}"
        self._common = ("-q", "-sS", f"--http{version}", "--max-time", _SECONDS)
        self._old = version == "1.0"

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        if self._old and any(ask.chunked for ask in asks):
            raise Unsupported("HTTP/1.0 has no chunked bodies")
        with tempfile.TemporaryDirectory(prefix="curl-") as made:
            folder = Path(made)
            words: list[str] = []
            for number, ask in enumerate(asks):
                words += [*self._words(folder, number, base, ask), "--next"]
            await self._run(*words[:-1])
            return [self._seen(folder, number) for number in range(len(asks))]

    def _words(self, folder: Path, number: int, base: str, ask: Ask) -> list[str]:
        words = [*self._common, "-D", str(folder / f"{number}.head"), "-o", str(folder / f"{number}.body")]
        words += ["-I"] if ask.method == "HEAD" else ["-X", ask.method]
        for name, value in ask.headers.items():
            words += ["-H", f"{name}: {value}"]
        if ask.chunked:
            words += ["-H", "Transfer-Encoding: chunked"]
        if ask.body is not None:
            sent = folder / f"{number}.sent"
            sent.write_bytes(ask.body)
            words += ["-T", str(sent)] if len(ask.body) > 2**20 else ["--data-binary", f"@{sent}"]
        return [*words, base + ask.path]

    async def _run(self, *words: str) -> None:
        process = await asyncio.create_subprocess_exec("curl", *words, stderr=asyncio.subprocess.PIPE)
        _, complaint = await process.communicate()
        assert process.returncode == 0, complaint.decode()

    def _seen(self, folder: Path, number: int) -> Seen:
        # A 100 Continue has a head of its own in the file.
        head = (folder / f"{number}.head").read_bytes().removesuffix(b"\r\n\r\n").split(b"\r\n\r\n")[-1]
        first, *lines = head.decode("latin-1").split("\r\n")
        body = folder / f"{number}.body"
        return Seen(
            status=int(first.split()[1]),
            headers=tuple((name, value) for name, _, value in (line.partition(": ") for line in lines)),
            # To a HEAD, curl writes the head into the output.
            body=body.read_bytes() if body.exists() and not body.read_bytes().startswith(b"HTTP/") else b"",
        )

    async def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        process = await asyncio.create_subprocess_exec(
            "curl", *self._common, "-N", *words, url, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        while piece := await process.stdout.read(65536):
            yield piece
        assert await process.wait() == 0
