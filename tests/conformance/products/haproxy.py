"""HAProxy: rules on the path as it normalises it, every look-alike of an identity field deleted by a pattern."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.conformance.lane import Lane
from tests.conformance.products.peer import AREAS, CREDENTIAL, FORBIDDEN, PUBLIC, Peer, prefix, vouched

_FRAME: Final = """
global
    maxconn 2000
    nbthread 1
    expose-experimental-directives
defaults
    mode http
    timeout connect 1s
    timeout client 2s
    timeout server 2s
    timeout http-request 2s
    timeout http-keep-alive 2s
    timeout tunnel 3s
    option http-keep-alive
frontend callers
    bind 127.0.0.1:{port}
    http-request normalize-uri percent-to-uppercase
    http-request normalize-uri percent-decode-unreserved
    http-request normalize-uri path-merge-slashes
    http-request normalize-uri path-strip-dot
    http-request normalize-uri path-strip-dotdot full
    acl bearer req.fhdr(authorization) -m reg '{credential}'
    acl one req.fhdr_cnt(authorization) eq 1
{rules}
    http-request deny deny_status 404 if !{{ var(txn.area) -m found }}
    http-request deny deny_status 401 if !{{ var(txn.area) -m beg public }} !bearer
    http-request deny deny_status 401 if !{{ var(txn.area) -m beg public }} !one
    http-request del-header (?i)^x[^a-z0-9]gateway[^a-z0-9] -m reg
    http-request del-header authorization
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.fhdr(host)]
{fields}
{choices}
{backends}
"""


class HAProxy(Peer):
    """Debian's HAProxy."""

    name = "HAProxy"
    program = "haproxy"
    install = "apt install haproxy"

    def configure(self, folder: Path, port: int, lanes: Sequence[Lane]) -> Sequence[str]:
        """One frontend, and a backend per lane."""
        rules, fields, choices, backends = [], [], [], []
        for lane in lanes:
            base = prefix(lane)
            rules.append(f"    http-request deny deny_status 403 if {{ path -m beg {base}/{FORBIDDEN} }}")
            for area in (*AREAS, PUBLIC):
                how = "-m beg" if area.endswith("/") or area == "lists" else "-m str"
                key = f"{'public' if area == PUBLIC else 'own'}{lane.number}{area.strip('/')}"
                rules.append(
                    f"    http-request set-var(txn.area) str({key}) if {{ path {how} {base}/{area} }}"
                )
                if area != PUBLIC:
                    fields += [
                        f"    http-request set-header {name} {value} if {{ var(txn.area) -m str {key} }}"
                        for name, value in vouched(lane, area).items()
                    ]
            choices.append(f"    use_backend lane{lane.number} if {{ path -m beg {base}/ }}")
            backends.append(f"backend lane{lane.number}\n    server one 127.0.0.1:{lane.port}")
        config = folder / "haproxy.cfg"
        config.write_text(
            _FRAME.format(
                port=port,
                credential=CREDENTIAL,
                rules="\n".join(rules),
                fields="\n".join(fields),
                choices="\n".join(choices),
                backends="\n".join(backends),
            )
        )
        return ("-db", "-f", str(config))
