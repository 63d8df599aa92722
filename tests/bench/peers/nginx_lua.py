"""nginx with Lua: what Kong and APISIX stand on. Tokens hashed in a shared dictionary, the route map as a tree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.bench.contender import IDENTITY, KIND, Contender
from tests.bench.peers.nginx import FORWARD, LOG, UPSTREAM, nginx
from tests.bench.programs import found, free_port
from tests.bench.shipped_map import operations

_SCRIPT: Final = Path(__file__).with_name("gate.lua")
_MODULES: Final = (Path("/usr/lib/nginx/modules"), Path("/usr/share/nginx/modules"))
_LOADED: Final = ("ndk_http_module.so", "ngx_http_lua_module.so")
_SITE: Final = """
    lua_package_path "{folder}/?.lua;;";
    lua_shared_dict tokens 16m;
    init_by_lua_block {{
        gate = require "gate"
        gate.load("{folder}/tokens", "{folder}/routes")
    }}
    {upstream}
    server {{
        listen 127.0.0.1:{port};
        {log}
        add_header X-Request-Id $request_id always;
        location / {{
            set $account "";
            set $integration "";
            set $token "";
            set $scopes "";
            set $route "";
            access_by_lua_block {{ gate.check() }}
            {forward}
            {identity}
        }}
    }}
"""
_VALUES: Final = ("$account", KIND, "$integration", "$token", "$scopes", "$route")


def _module(name: str) -> Path | None:
    return next((folder / name for folder in _MODULES if (folder / name).exists()), None)


class NginxLua(Contender):
    """The whole route map, as the gateway has it: a tree costs what a path's segments cost, not what the map does."""

    @classmethod
    def missing(cls) -> str | None:
        there = found("nginx") is not None and all(_module(name) for name in _LOADED)
        return None if there else "apt install nginx-light libnginx-mod-http-lua"

    def start(self) -> None:
        job, folder = self._job, self.folder
        self.port = free_port()
        (folder / "gate.lua").write_text(_SCRIPT.read_text())
        (folder / "routes").write_text(
            "".join(f"{method} {path} {scope}\n" for method, path, scope in operations())
        )
        (folder / "tokens").write_text(
            "".join(
                "\t".join(
                    (
                        caller.token,
                        caller.account_id,
                        caller.integration_id,
                        caller.token_id,
                        " ".join(caller.scopes),
                    )
                )
                + "\n"
                for caller in job.callers
            )
        )
        http = _SITE.format(
            folder=folder,
            upstream=UPSTREAM.format(port=job.upstream_port),
            port=self.port,
            log=LOG if self.log else "",
            forward=FORWARD,
            identity="\n".join(
                f"proxy_set_header {name} {value};" for name, value in zip(IDENTITY, _VALUES, strict=True)
            ),
        )
        modules = "\n".join(f"load_module {_module(name)};" for name in _LOADED)
        self._program = nginx(folder, http, core=job.core, port=self.port, modules=modules)
