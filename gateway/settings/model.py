"""Every setting, with its type, its bounds and its default. How they are found and located is not known here.

Durations are seconds, sizes are bytes, paths are absolute once read with a base folder (see `gateway.settings.load`).
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gateway.core.paths import PathClass
from gateway.settings.addresses import ListenAddress
from gateway.settings.section import Section
from gateway.settings.setting_types import (
    Count,
    DatabaseUrl,
    File,
    Flag,
    HeaderPrefix,
    Listen,
    Network,
    Origin,
    PublicUrl,
    Seconds,
    SecondsOrZero,
    Share,
    Size,
    TokenPrefix,
)
from gateway.settings.units import DAY, HOUR, KIB, MIB, MINUTE

Conflicts = Iterator[tuple[tuple[str, ...], str]]


class UnderscoreHeaders(StrEnum):
    """What happens to request fields with `_` in their names, which many upstreams take for the same with `-`."""

    DROP = "drop"
    PASS = "pass"  # noqa: S105 -- no password


class LogLevel(StrEnum):
    """The least serious event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AccessLog(StrEnum):
    """Which requests get a line in the log."""

    ALL = "all"
    ERRORS = "errors"
    OFF = "off"


class LogFormat(StrEnum):
    """How log lines look. `auto`: text on a terminal, JSON elsewhere."""

    JSON = "json"
    TEXT = "text"
    AUTO = "auto"


class ErrorRecords(StrEnum):
    """Which refused and failed requests are recorded."""

    ALL = "all"
    SAMPLED = "sampled"


class ClientRecords(StrEnum):
    """What is recorded of where a request came from."""

    NETWORK = "network"
    ADDRESS = "address"
    NONE = "none"


class Tls(Section):
    """The listener's own certificate."""

    cert_file: File
    key_file: File


class Cors(Section):
    """For which web pages preflights are answered, and answers carry the CORS headers."""

    allow_origins: Annotated[tuple[Origin, ...], Field(min_length=1)]


class ProxyLimits(Section):
    """How large a request may be."""

    head: Annotated[Size, Field(ge=KIB, le=MIB)] = 32 * KIB
    headers: Annotated[Count, Field(le=1000)] = 128
    field: Annotated[Size, Field(ge=256)] = 8 * KIB
    target: Annotated[Size, Field(ge=256)] = 8 * KIB
    body: Size = 100 * MIB

    def conflicts(self) -> Conflicts:
        if self.target > self.head:
            yield (
                ("target", "head"),
                "is larger than proxy.limits.head, which holds it; raise head or lower target",
            )
        if self.field > self.head:
            yield (
                ("field", "head"),
                "is larger than proxy.limits.head, which holds it; raise head or lower field",
            )


class ProxyTimeouts(Section):
    """How long a caller may be silent."""

    head: Seconds = 10.0
    idle: Seconds = 75.0
    body: Seconds = 30.0


class Guessing(Section):
    """How callers are slowed down whose tokens were never issued."""

    free: Annotated[int, Field(strict=True, ge=0)] = 20
    per: Seconds = 10.0
    delay: Seconds = 1.0


class Proxy(Section):
    """The listener for callers' traffic."""

    listen: Listen = ListenAddress("127.0.0.1", 8080)
    public_url: PublicUrl | None = None
    trusted_proxies: tuple[Network, ...] = ()
    underscore_headers: UnderscoreHeaders = UnderscoreHeaders.DROP
    path_allow: frozenset[PathClass] = frozenset()
    max_connections: Count = 10_000
    drain: SecondsOrZero = 30.0
    tls: Tls | None = None
    cors: Cors | None = None
    limits: ProxyLimits = ProxyLimits()
    timeouts: ProxyTimeouts = ProxyTimeouts()
    guessing: Guessing = Guessing()


class Admin(Section):
    """The listener for the management API, the pages, health and metrics."""

    listen: Listen = ListenAddress("127.0.0.1", 8081)


class UpstreamTimeouts(Section):
    """How long an upstream may take."""

    connect: Seconds = 3.0
    first_byte: Seconds = 60.0
    silence: Seconds = 60.0


class Upstream(Section):
    """The connections to the platform's services."""

    max_connections: Count = 256
    keep_alive: SecondsOrZero = 30.0
    ca_file: File | None = None
    client_cert_file: File | None = None
    client_key_file: File | None = None
    timeouts: UpstreamTimeouts = UpstreamTimeouts()

    def conflicts(self) -> Conflicts:
        if self.client_cert_file is not None and self.client_key_file is None:
            yield ("client_cert_file",), "has no key; name its key in upstream.client_key_file"
        if self.client_key_file is not None and self.client_cert_file is None:
            yield ("client_key_file",), "has no certificate; name it in upstream.client_cert_file"


class Database(Section):
    """The store. Without an address it is an embedded PostgreSQL in `data_dir`."""

    url: DatabaseUrl | None = None
    url_file: File | None = None
    pool_size: Annotated[Count, Field(le=1000)] = 10

    def conflicts(self) -> Conflicts:
        if self.url is not None and self.url_file is not None:
            yield ("url_file", "url"), "stands beside database.url; keep one of the two"


class Tokens(Section):
    """What tokens look like and how they are hashed."""

    prefix: TokenPrefix = "pit"
    pepper_file: File | None = None


class Rotation(Section):
    """How long two tokens of an integration may live side by side, and when admins are reminded."""

    window: Seconds = 7 * DAY
    max_window: Seconds = 30 * DAY
    remind_after: Seconds = 90 * DAY

    def conflicts(self) -> Conflicts:
        if self.window > self.max_window:
            yield (
                ("window", "max_window"),
                "is longer than rotation.max_window; shorten window or raise max_window",
            )


class Inactivity(Section):
    """What happens to tokens that nobody uses. None: nothing."""

    expire_after: Seconds | None = None


class Identity(Section):
    """The header fields that vouch for the caller."""

    header_prefix: HeaderPrefix = "X-Gateway-"


class Errors(Section):
    """How refusals look."""

    scope_status: Literal[401, 403] = 403
    name_missing_scope: Flag = True


class Index(Section):
    """The cache of token digests, and how long it stands in for the store."""

    max_entries: Count = 200_000
    max_unknown: Count = 50_000
    unknown_for: SecondsOrZero = 10.0
    fresh_for: Seconds = 5 * MINUTE
    outage_grace: SecondsOrZero = 1 * HOUR


class Log(Section):
    """What is logged, and how."""

    level: LogLevel = LogLevel.INFO
    access: AccessLog = AccessLog.ALL
    format: LogFormat = LogFormat.AUTO


class Records(Section):
    """The records of requests in the database: which, for how long, and what of the caller's address."""

    keep: SecondsOrZero = 7 * DAY
    sample: Share = 0.1
    errors: ErrorRecords = ErrorRecords.ALL
    strangers: Annotated[int, Field(strict=True, ge=0)] = 100
    client: ClientRecords = ClientRecords.NETWORK
    queue: Annotated[Count, Field(le=1_000_000)] = 10_000

    def conflicts(self) -> Conflicts:
        if 0 < self.keep < DAY:
            yield (
                ("keep",),
                "is less than a day, and records are dropped by the day; write 1d or more, or 0s to record nothing",
            )


class Settings(Section):
    """All settings of a gateway."""

    # Validated though they are defaults: that is where a relative path meets its base folder.
    data_dir: File = Field(default=Path(".gateway"), validate_default=True)
    routes: File = Field(default=Path("routes.yaml"), validate_default=True)
    proxy: Proxy = Proxy()
    admin: Admin = Admin()
    upstream: Upstream = Upstream()
    database: Database = Database()
    tokens: Tokens = Tokens()
    rotation: Rotation = Rotation()
    inactivity: Inactivity = Inactivity()
    identity: Identity = Identity()
    errors: Errors = Errors()
    index: Index = Index()
    records: Records = Records()
    log: Log = Log()

    @property
    def pepper_file(self) -> Path:
        """Where the peppers are: `tokens.pepper_file`, else a file in `data_dir`."""
        return self.tokens.pepper_file or self.data_dir / "peppers"

    def conflicts(self) -> Conflicts:
        if self.proxy.listen == self.admin.listen and self.proxy.listen.port != 0:
            yield (
                ("admin.listen", "proxy.listen"),
                "is the proxy's address as well; give each listener its own",
            )
