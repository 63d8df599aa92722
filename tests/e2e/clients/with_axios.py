"""axios, in a Node process that is told by one JSON document what to ask."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from tests.e2e.clients.work import Ask, Seen, Unsupported

_BUILD = Path(__file__).parents[3] / "build" / "axios"
_SCRIPT = """
const axios = require('axios'), http = require('http'), fs = require('fs'), { Readable } = require('stream');
const { base, asks } = JSON.parse(fs.readFileSync(0));
const client = axios.create({
  baseURL: base, maxRedirects: 0, decompress: false, responseType: 'arraybuffer', proxy: false, timeout: 60000,
  maxBodyLength: Infinity, maxContentLength: Infinity, validateStatus: () => true,
  httpAgent: new http.Agent({ keepAlive: true, maxSockets: 1 }),
});
(async () => {
  const seen = [];
  for (const ask of asks) {
    let data = ask.sent === null ? undefined : fs.readFileSync(ask.sent);
    if (ask.chunked) {
      const whole = data;
      data = Readable.from((function* () {
        for (let at = 0; at < whole.length; at += 65536) yield whole.subarray(at, at + 65536);
      })());
    }
    const answer = await client.request({ method: ask.method, url: ask.path, headers: ask.headers, data });
    const raw = answer.request.res.rawHeaders, headers = [];
    for (let at = 0; at < raw.length; at += 2) headers.push([raw[at], raw[at + 1]]);
    seen.push({ status: answer.status, headers, body: Buffer.from(answer.data || '').toString('base64') });
  }
  fs.writeSync(1, JSON.stringify(seen));
  client.defaults.httpAgent.destroy();
})().catch((error) => { console.error(error.message); process.exit(1); });
"""


class Missing(Exception):
    """axios cannot be had here. The text says why."""


def install() -> Path:
    """The folder where axios is, installed into the build folder once. Raises Missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing("node and npm are not on this machine")
    if not (_BUILD / "node_modules" / "axios" / "package.json").exists():
        _BUILD.mkdir(parents=True, exist_ok=True)
        (_BUILD / "package.json").write_text('{"private": true}')
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "axios"]
        try:
            done = subprocess.run(words, cwd=_BUILD, capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired:
            raise Missing("npm did not answer in 60 s") from None
        if done.returncode:
            raise Missing(f"npm cannot install axios: {done.stderr.strip()[-200:]}")
    return _BUILD


class WithAxios:
    """axios with a keep-alive agent of one socket."""

    name = "axios"

    async def exchange(self, base: str, asks: Sequence[Ask]) -> list[Seen]:
        with tempfile.TemporaryDirectory(prefix="axios-") as made:
            told = {"base": base, "asks": [self._told(Path(made), at, ask) for at, ask in enumerate(asks)]}
            process = await asyncio.create_subprocess_exec(
                "node",
                "-e",
                _SCRIPT,
                cwd=_BUILD,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            output, complaint = await process.communicate(json.dumps(told).encode())
        assert process.returncode == 0, complaint.decode()
        return [
            Seen(
                status=one["status"],
                headers=tuple((name, value) for name, value in one["headers"]),
                body=base64.b64decode(one["body"]),
            )
            for one in json.loads(output)
        ]

    def _told(self, folder: Path, number: int, ask: Ask) -> dict[str, object]:
        sent = None
        if ask.body is not None:
            sent = folder / str(number)
            sent.write_bytes(ask.body)
        return {
            "method": ask.method,
            "path": ask.path,
            "headers": ask.headers,
            "chunked": ask.chunked,
            "sent": None if sent is None else str(sent),
        }

    def events(self, url: str, headers: dict[str, str]) -> AsyncIterator[bytes]:
        raise Unsupported("streams are read as a whole here")
