"""A process that owns an embedded server until its input ends. Options: `--as NAME` changes to that user first."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import sys
from pathlib import Path

import asyncpg

from gateway.storage.embedded import EmbeddedError, EmbeddedPostgres, binaries, running_dsn


async def first_user(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def become(name: str, open_dir: Path) -> Path:
    """Changes to an ordinary user. What it needs to run PostgreSQL is linked first: root's files may be closed to it."""
    bin_dir = binaries._link_tree(binaries.find(bin_dir=None, major=None), open_dir / "programs").directory
    # Loads what asyncio loads late, which could not be read afterwards.
    asyncio.run(asyncio.sleep(0))
    entry = pwd.getpwnam(name)
    os.environ.pop("HOME", None)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    return bin_dir


def main() -> int:
    data_dir, options = Path(sys.argv[1]), sys.argv[2:]
    bin_dir = become(options[1], data_dir.parent) if options else None
    server = EmbeddedPostgres(
        data_dir=data_dir, bin_dir=bin_dir, log=lambda line: print(line, file=sys.stderr)
    )
    try:
        dsn = server.start()
    except EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    pid = int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    joined = running_dsn(data_dir)
    user = asyncio.run(first_user(dsn))
    print(
        json.dumps({"dsn": dsn, "pid": pid, "joined": joined, "user": user, "uid": os.geteuid()}), flush=True
    )
    sys.stdin.read()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
