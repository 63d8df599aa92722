from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.core.paths import PathClass
from gateway.settings.addresses import ListenAddress
from gateway.settings.catalogue import CATALOGUE, Form
from gateway.settings.errors import ConfigurationError
from gateway.settings.load import load_settings
from gateway.settings.model import (
    AccessLog,
    ClientRecords,
    ErrorRecords,
    LogFormat,
    LogLevel,
    Settings,
    UnderscoreHeaders,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.yaml"


def load(file: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    file.write_text(text)
    return load_settings(file, environ or {})


def problems(file: Path | None, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """The lines of the refusal, with the file's folder cut off."""
    if file is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environ or {})
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    folder = "" if file is None else f"{file.parent}/"
    return [str(problem).replace(folder, "") if folder else str(problem) for problem in caught.value.problems]


def test_without_file_and_variables_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, {"PATH": "/bin", "GATEWAY_PORT": "tcp://10.0.0.1:80"})
    assert settings.proxy.listen == ListenAddress("127.0.0.1", 8080)
    assert settings.admin.listen == ListenAddress("127.0.0.1", 8081)
    assert settings.proxy.trusted_proxies == ()
    assert settings.proxy.underscore_headers is UnderscoreHeaders.DROP
    assert settings.proxy.path_allow == frozenset()
    assert (settings.proxy.max_connections, settings.proxy.drain) == (10_000, 30.0)
    assert (settings.proxy.tls, settings.proxy.cors) == (None, None)
    limits = settings.proxy.limits
    assert (limits.head, limits.headers, limits.field, limits.target) == (32768, 128, 8192, 8192)
    assert limits.body == 104_857_600
    timeouts = settings.proxy.timeouts
    assert (timeouts.head, timeouts.idle, timeouts.body) == (10.0, 75.0, 30.0)
    upstream = settings.upstream
    assert (upstream.timeouts.connect, upstream.timeouts.first_byte, upstream.timeouts.silence) == (3, 60, 60)
    assert (upstream.max_connections, upstream.keep_alive) == (256, 30.0)
    assert (upstream.ca_file, upstream.client_cert_file, upstream.client_key_file) == (None, None, None)
    assert (settings.database.url, settings.database.url_file, settings.database.pool_size) == (
        None,
        None,
        10,
    )
    assert settings.data_dir == tmp_path / ".gateway"
    assert settings.routes == tmp_path / "routes.yaml"
    assert (settings.tokens.prefix, settings.tokens.pepper_file) == ("pit", None)
    assert settings.pepper_file == tmp_path / ".gateway" / "peppers"
    rotation = settings.rotation
    assert (rotation.window, rotation.max_window, rotation.remind_after) == (604800, 2592000, 7776000)
    assert settings.inactivity.expire_after is None
    assert settings.identity.header_prefix == "X-Gateway-"
    assert (settings.errors.scope_status, settings.errors.name_missing_scope) == (403, True)
    index = settings.index
    assert (index.max_entries, index.max_unknown) == (200_000, 50_000)
    assert (index.unknown_for, index.fresh_for, index.outage_grace) == (10.0, 300.0, 3600.0)
    records = settings.records
    assert (records.keep, records.sample, records.errors) == (7 * 86400.0, 0.1, ErrorRecords.ALL)
    assert (records.strangers, records.client, records.queue) == (100, ClientRecords.NETWORK, 10_000)
    log = settings.log
    assert (log.level, log.access, log.format) == (LogLevel.INFO, AccessLog.ALL, LogFormat.AUTO)


def test_every_kind_of_value_is_read_from_the_file(file: Path) -> None:
    for name in ("server.crt", "server.key", "ca.crt"):
        (file.parent / name).write_text("PEM")
    settings = load(
        file,
        """
proxy:
  listen: "[::1]:0"
  trusted_proxies: [10.0.0.0/8, 192.168.1.1]
  underscore_headers: pass
  path_allow: [encoded_slash, dot_segment]
  max_connections: 5
  drain: 0s
  tls: {cert_file: server.crt, key_file: server.key}
  cors: {allow_origins: [https://app.example.com]}
  limits: {head: 64KiB, body: 0}
upstream: {ca_file: ca.crt, timeouts: {connect: 500ms}}
database: {url: postgresql://gateway@db/gateway}
tokens: {prefix: acme1, pepper_file: /run/secrets/peppers}
inactivity: {expire_after: 60d}
errors: {scope_status: 401, name_missing_scope: false}
log: {level: debug, access: off, format: json}
""",
    )
    proxy = settings.proxy
    assert proxy.listen == ListenAddress("::1", 0)
    assert proxy.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.168.1.1/32"))
    assert proxy.underscore_headers is UnderscoreHeaders.PASS
    assert proxy.path_allow == {PathClass.ENCODED_SLASH, PathClass.DOT_SEGMENT}
    assert (proxy.max_connections, proxy.drain) == (5, 0.0)
    assert proxy.tls is not None
    assert (proxy.tls.cert_file, proxy.tls.key_file) == (
        file.parent / "server.crt",
        file.parent / "server.key",
    )
    assert proxy.cors is not None
    assert proxy.cors.allow_origins == ("https://app.example.com",)
    assert (proxy.limits.head, proxy.limits.field, proxy.limits.body) == (65536, 8192, 0)
    assert settings.upstream.ca_file == file.parent / "ca.crt"
    assert settings.upstream.timeouts.connect == 0.5
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://gateway@db/gateway"
    assert (settings.tokens.prefix, settings.pepper_file) == ("acme1", Path("/run/secrets/peppers"))
    assert settings.inactivity.expire_after == 5_184_000.0
    assert (settings.errors.scope_status, settings.errors.name_missing_scope) == (401, False)
    assert (settings.log.level, settings.log.access) == (LogLevel.DEBUG, AccessLog.OFF)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().proxy.drain = 5.0  # type: ignore[misc]


def test_relative_paths_are_taken_from_the_files_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also from a relative path of the file itself, and through a link, whose own folder counts."""
    file.write_text("data_dir: ../data\nroutes: maps/routes.yaml\n")
    monkeypatch.chdir(file.parent.parent)
    settings = load_settings(
        Path(file.parent.name) / "gateway.yaml", {"GATEWAY__TOKENS__PEPPER_FILE": "peppers"}
    )
    assert settings.data_dir == file.parent / "../data"
    assert settings.routes == file.parent / "maps/routes.yaml"
    assert settings.pepper_file == file.parent / "peppers"


def test_a_section_whose_settings_are_all_commented_out_means_its_defaults(file: Path) -> None:
    assert load(file, "proxy:\n  # listen: x\n  limits:\nlog:\n").proxy == Settings().proxy


def test_an_optional_section_that_is_null_is_absent(file: Path) -> None:
    settings = load(file, "proxy:\n  tls:\n  cors: null\n")
    assert (settings.proxy.tls, settings.proxy.cors) == (None, None)


BAD_FILES = [
    ("", ["gateway.yaml:1: there are no settings here; write some, or {} for the defaults"]),
    ("# nothing\n", ["gateway.yaml:1: there are no settings here; write some, or {} for the defaults"]),
    (
        "- proxy\n",
        [
            "gateway.yaml:1: the settings are not a mapping; write `section:` and indent its settings below it",
        ],
    ),
    ("proxy:\n\tlisten: x\n", ["gateway.yaml:2: a tab is used for indentation; use blanks"]),
    (
        "proxy:\n  listn: 127.0.0.1:1\n",
        ["gateway.yaml:2: unknown setting proxy.listn; did you mean `listen`?"],
    ),
    ("proxi:\n  listen: x\n", ["gateway.yaml:1: unknown setting proxi; did you mean `proxy`?"]),
    (
        "proxy:\n  header_prefix: X-\n",
        ["gateway.yaml:2: unknown setting proxy.header_prefix; did you mean `identity.header_prefix`?"],
    ),
    (
        "index:\n  zzz: 1\n",
        [
            "gateway.yaml:2: unknown setting index.zzz; "
            "known here: fresh_for, max_entries, max_unknown, outage_grace, unknown_for"
        ],
    ),
    (
        "window: 7d\n",
        ["gateway.yaml:1: unknown setting window; did you mean `rotation.window`?"],
    ),
    (
        "timeouts: {}\n",
        ["gateway.yaml:1: unknown setting timeouts; it is in proxy.timeouts, upstream.timeouts"],
    ),
    (
        "proxy:\n  timeouts:\n    idle: ten\n",
        [
            'gateway.yaml:3: proxy.timeouts.idle: "ten" is not a duration; '
            "write a duration such as 500ms, 10s, 5m, 24h or 7d"
        ],
    ),
    (
        "proxy: {timeouts: {idle: 0s}}\n",
        ['gateway.yaml:1: proxy.timeouts.idle: "0s" is too little; write more than 0'],
    ),
    (
        "proxy: {timeouts: {idle: 1.5}}\n",
        [
            "gateway.yaml:1: proxy.timeouts.idle: 1.5 is not a duration; "
            "write a duration such as 500ms, 10s, 5m, 24h or 7d"
        ],
    ),
    (
        "proxy:\n  limits:\n    body: 5MB\n    head: 12\n    headers: 1001\n",
        [
            'gateway.yaml:3: proxy.limits.body: "5MB" is not a size; '
            "write a size such as 8KiB or 100MiB, or a number of bytes",
            "gateway.yaml:4: proxy.limits.head: 12 is too little; write at least 1024",
            "gateway.yaml:5: proxy.limits.headers: 1001 is too much; write at most 1000",
        ],
    ),
    (
        "proxy:\n  max_connections: '5'\n  trusted_proxies: 10.0.0.0/8\n",
        [
            'gateway.yaml:2: proxy.max_connections: "5" is not a whole number; write digits, without quotes',
            'gateway.yaml:3: proxy.trusted_proxies: "10.0.0.0/8" is not a list; write a list such as [a, b]',
        ],
    ),
    (
        "proxy:\n  trusted_proxies:\n    - 10.0.0.0/8\n    - 10.0.0.1/8\n",
        [
            'gateway.yaml:4: proxy.trusted_proxies[1]: "10.0.0.1/8" has bits set beyond its prefix; '
            "write 10.0.0.0/8 or 10.0.0.1"
        ],
    ),
    (
        "proxy:\n  underscore_headers: keep\n",
        ['gateway.yaml:2: proxy.underscore_headers: "keep" is not a choice; write drop or pass'],
    ),
    (
        "proxy:\n  path_allow: [encoded_slash, slash]\n",
        [
            'gateway.yaml:2: proxy.path_allow[1]: "slash" is not a choice; write empty_segment, dot_segment, '
            "encoded_slash, encoded_backslash, encoded_semicolon, encoded_question, encoded_hash, encoded_nul, "
            "encoded_control, double_encoding, raw_backslash or raw_semicolon"
        ],
    ),
    (
        "errors:\n  scope_status: 402\n  name_missing_scope: yes\n",
        [
            "gateway.yaml:2: errors.scope_status: 402 is not a choice; write 401 or 403",
            'gateway.yaml:3: errors.name_missing_scope: "yes" is neither true nor false; '
            "write one of them, without quotes",
        ],
    ),
    ("log: info\n", ["gateway.yaml:1: log: is not a section; indent its settings below it"]),
    (
        "log: {level: }\n",
        ["gateway.yaml:1: log.level: nothing is not a choice; write debug, info, warning or error"],
    ),
    ("data_dir: 5\n", ["gateway.yaml:1: data_dir: 5 is not a path; write the path of a file"]),
    ("data_dir: ''\n", ['gateway.yaml:1: data_dir: "" is not a path; write the path of a file']),
    (
        "tokens:\n  prefix: Pit\n",
        [
            'gateway.yaml:2: tokens.prefix: "Pit" is not a token prefix; '
            "write 1 to 16 of a-z and 0-9, a letter first"
        ],
    ),
    (
        "tokens: {prefix: adm}\n",
        ['gateway.yaml:1: tokens.prefix: "adm" is the prefix of admin keys; write another'],
    ),
    ("tokens: {prefix: 5}\n", ["gateway.yaml:1: tokens.prefix: 5 is not text; put it in quotes"]),
    (
        "identity: {header_prefix: X_Gateway-}\n",
        [
            'gateway.yaml:1: identity.header_prefix: "X_Gateway-" is not a header prefix; '
            "write letters, digits and hyphens that end in -, such as X-Gateway-"
        ],
    ),
    (
        "identity: {header_prefix: X-}\n",
        [
            'gateway.yaml:1: identity.header_prefix: "X-" would drop ordinary headers such as x-forwarded-for; '
            "write a longer prefix"
        ],
    ),
    ("proxy:\n  tls:\n    cert_file: /\n", ["gateway.yaml:2: proxy.tls: key_file is missing; add it"]),
    (
        "proxy:\n  tls:\n    cert_file: a.crt\n    key_file: /\n",
        [
            "gateway.yaml:3: proxy.tls.cert_file: a.crt cannot be read: no such file or directory; "
            "check the path and its permissions",
            "gateway.yaml:4: proxy.tls.key_file: / cannot be read: is a directory; "
            "check the path and its permissions",
        ],
    ),
    (
        "proxy:\n  cors:\n    allow_origins: []\n",
        [
            "gateway.yaml:3: proxy.cors.allow_origins: the list is empty; "
            "name at least one, or remove the setting above it"
        ],
    ),
    (
        "upstream:\n  client_cert_file: a.crt\n",
        [
            "gateway.yaml:2: upstream.client_cert_file has no key; name its key in upstream.client_key_file",
        ],
    ),
    (
        "upstream:\n  client_key_file: a.key\n",
        ["gateway.yaml:2: upstream.client_key_file has no certificate; name it in upstream.client_cert_file"],
    ),
    (
        "rotation:\n  window: 31d\n",
        [
            "gateway.yaml:2: rotation.window is longer than rotation.max_window; "
            "shorten window or raise max_window"
        ],
    ),
    (
        "records:\n  keep: 23h\n  sample: 10%\n  errors: none\n",
        [
            'gateway.yaml:3: records.sample: "10%" is not a share; write a number from 0 to 1, such as 0.1',
            'gateway.yaml:4: records.errors: "none" is not a choice; write all or sampled',
        ],
    ),
    (
        "records:\n  keep: 23h\n",
        [
            "gateway.yaml:2: records.keep is less than a day, and records are dropped by the day; "
            "write 1d or more, or 0s to record nothing"
        ],
    ),
    (
        "rotation:\n  remind_after: 1d\n  max_window: 6d\n",
        [
            "gateway.yaml:3: rotation.window is longer than rotation.max_window; "
            "shorten window or raise max_window"
        ],
    ),
    (
        "proxy:\n  limits:\n    head: 4KiB\n    target: 5KiB\n",
        [
            "gateway.yaml:3: proxy.limits.field is larger than proxy.limits.head, which holds it; "
            "raise head or lower field",
            "gateway.yaml:4: proxy.limits.target is larger than proxy.limits.head, which holds it; "
            "raise head or lower target",
        ],
    ),
    (
        "proxy:\n  listen: 127.0.0.1:8081\n",
        ["gateway.yaml:2: admin.listen is the proxy's address as well; give each listener its own"],
    ),
    (
        "database:\n  url_file: missing\n",
        [
            "gateway.yaml:2: database.url_file: the file cannot be read or holds no PostgreSQL address; "
            "write one line into it such as postgresql://gateway:…@db.internal:5432/gateway"
        ],
    ),
    (
        "database:\n  url: postgresql://a@b/c\n  url_file: x\n",
        ["gateway.yaml:3: database.url_file stands beside database.url; keep one of the two"],
    ),
    (
        "database: {pool_size: 0}\n",
        ["gateway.yaml:1: database.pool_size: 0 is too little; write at least 1"],
    ),
]


@pytest.mark.parametrize(("text", "expected"), BAD_FILES)
def test_a_bad_file_says_the_line_and_the_way_out(file: Path, text: str, expected: list[str]) -> None:
    assert sorted(problems(file, text)) == sorted(expected)


def test_all_problems_come_at_once_in_the_order_of_the_lines(file: Path) -> None:
    text = """\
proxy:
  listen: nowhere
  listen: 127.0.0.1:1
  limits: {head: 1KiB, target: 2KiB, field: 512}
log:
  level: loud
rotation: {window: 60d}
extra: 1
"""
    assert problems(file, text, {"GATEWAY__INDEX__MAX_ENTRIES": "many", "GATEWAY__PROXY__LISTEM": "x"}) == [
        'gateway.yaml:2: proxy.listen: "nowhere" is not a listen address; '
        "write host:port such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080",
        'gateway.yaml:3: key "listen" is written twice, first on line 2; keep one',
        "gateway.yaml:4: proxy.limits.target is larger than proxy.limits.head, which holds it; "
        "raise head or lower target",
        'gateway.yaml:6: log.level: "loud" is not a choice; write debug, info, warning or error',
        "gateway.yaml:7: rotation.window is longer than rotation.max_window; "
        "shorten window or raise max_window",
        "gateway.yaml:8: unknown setting extra; known here: admin, data_dir, database, errors, identity, "
        "inactivity, index, log, proxy, records, rotation, routes, tokens, upstream",
        'GATEWAY__INDEX__MAX_ENTRIES: index.max_entries: "many" is not a whole number; '
        "write digits, without quotes",
        "GATEWAY__PROXY__LISTEM: this variable names no setting; did you mean `GATEWAY__PROXY__LISTEN`?",
    ]


def test_a_file_that_is_no_yaml_hides_no_misspelt_variable(file: Path) -> None:
    found = problems(file, "a: [\n", {"GATEWAY__X": "1"})
    assert found[0].startswith("gateway.yaml:2: this is not YAML")
    assert found[1].startswith("GATEWAY__X: this variable names no setting")


def test_a_missing_file_is_the_same_kind_of_error(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gateway\.yaml: cannot be read: no such file or directory"):
        load_settings(file, {})


def test_variables_override_the_file_setting_by_setting(file: Path) -> None:
    settings = load(
        file,
        "proxy:\n  listen: 127.0.0.1:1\n  limits: {head: 64KiB, body: 1MiB}\n",
        {
            "GATEWAY__PROXY__LISTEN": "0.0.0.0:80",
            "GATEWAY__PROXY__LIMITS__BODY": "2MiB",
            "GATEWAY__PROXY__TRUSTED_PROXIES": "[10.0.0.0/8, '192.168.0.0/16']",
            "GATEWAY__PROXY__CORS": '{"allow_origins": ["*"]}',
            "GATEWAY__PROXY__PATH_ALLOW": "[]",
            "GATEWAY__PROXY__MAX_CONNECTIONS": "7",
            "GATEWAY__ERRORS__NAME_MISSING_SCOPE": "false",
            "GATEWAY__ERRORS__SCOPE_STATUS": "401",
            "GATEWAY__LOG": "{level: error, access: errors}",
            "GATEWAY__LOG__LEVEL": " debug\n",
            "GATEWAY__ROUTES": "/etc/gateway/routes.yaml",
        },
    )
    assert settings.proxy.listen == ListenAddress("0.0.0.0", 80)
    assert (settings.proxy.limits.head, settings.proxy.limits.body) == (65536, 2 * 1024 * 1024)
    assert settings.proxy.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16"))
    assert settings.proxy.cors is not None
    assert settings.proxy.cors.allow_origins == ("*",)
    assert settings.proxy.max_connections == 7
    assert (settings.errors.name_missing_scope, settings.errors.scope_status) == (False, 401)
    assert (settings.log.level, settings.log.access) == (LogLevel.DEBUG, AccessLog.ERRORS)
    assert settings.routes == Path("/etc/gateway/routes.yaml")


def test_a_variable_can_take_an_optional_setting_away(file: Path) -> None:
    settings = load(
        file,
        "inactivity: {expire_after: 5d}\nproxy: {cors: {allow_origins: ['*']}}\n",
        {"GATEWAY__INACTIVITY__EXPIRE_AFTER": "null", "GATEWAY__PROXY__CORS": "null"},
    )
    assert (settings.inactivity.expire_after, settings.proxy.cors) == (None, None)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"GATEWAY__PROXY__LISTEN": "80"},
            [
                'GATEWAY__PROXY__LISTEN: proxy.listen: "80" is not a listen address; '
                "write host:port such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080"
            ],
        ),
        (
            {"GATEWAY__PROXY__LISTEN": ""},
            ["GATEWAY__PROXY__LISTEN: is empty; unset the variable, or give it a value"],
        ),
        (
            {"GATEWAY__DATABASE__URL": "  "},
            ["GATEWAY__DATABASE__URL: is empty; unset the variable, or give it a value"],
        ),
        (
            {"GATEWAY__proxy__listen": "x"},
            [
                "GATEWAY__proxy__listen: this variable names no setting; did you mean `GATEWAY__PROXY__LISTEN`?"
            ],
        ),
        (
            {"GATEWAY__ZZZZZZZZZZZZZZZZ": "x"},
            [
                "GATEWAY__ZZZZZZZZZZZZZZZZ: this variable names no setting; correct or unset it",
            ],
        ),
        (
            {"GATEWAY__PROXY__TRUSTED_PROXIES": "[10.0.0.0/8"},
            ["GATEWAY__PROXY__TRUSTED_PROXIES: this is not YAML: did not find expected ',' or ']'"],
        ),
        (
            {"GATEWAY__PROXY__TRUSTED_PROXIES": "10.0.0.0/8,10.0.0.1"},
            [
                'GATEWAY__PROXY__TRUSTED_PROXIES: proxy.trusted_proxies: "10.0.0.0/8,10.0.0.1" is not a list; '
                "write a list such as [a, b]"
            ],
        ),
        (
            {"GATEWAY__PROXY__LIMITS": "{head: 1KiB, hed: 2KiB, target: 1, target: 2}"},
            ['GATEWAY__PROXY__LIMITS: key "target" is written twice, first on line 1; keep one'],
        ),
        (
            {"GATEWAY__PROXY__LIMITS": "{hed: 2KiB, headers: x}"},
            [
                'GATEWAY__PROXY__LIMITS: proxy.limits.headers: "x" is not a whole number; '
                "write digits, without quotes",
                "GATEWAY__PROXY__LIMITS: unknown setting proxy.limits.hed; did you mean `head`?",
            ],
        ),
        (
            {"GATEWAY__PROXY__TLS__CERT_FILE": "/"},
            ["GATEWAY__PROXY__TLS__CERT_FILE: proxy.tls: key_file is missing; add it"],
        ),
        (
            {"GATEWAY__ROTATION__MAX_WINDOW": "1d"},
            ["GATEWAY__ROTATION__MAX_WINDOW: rotation.window is longer than rotation.max_window;"],
        ),
        (
            {"GATEWAY__PROXY": "5"},
            ["GATEWAY__PROXY: proxy: is not a section; indent its settings below it"],
        ),
    ],
)
def test_a_bad_variable_is_named(environ: dict[str, str], expected: list[str]) -> None:
    found = problems(None, "", environ)
    assert len(found) == len(expected)
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)


def test_what_a_variable_replaced_is_placed_at_the_variable_and_the_rest_at_its_line(file: Path) -> None:
    found = problems(
        file,
        "proxy:\n  trusted_proxies: [10.0.0.0/8]\n  limits:\n    head: 64KiB\n    field: x\n",
        {"GATEWAY__PROXY__TRUSTED_PROXIES": "[x]", "GATEWAY__PROXY__LIMITS": "{head: y}"},
    )
    assert [line.partition(": ")[0] for line in found] == [
        "gateway.yaml:5",
        "GATEWAY__PROXY__LIMITS",
        "GATEWAY__PROXY__TRUSTED_PROXIES",
    ]


SECRET = "hunter2"
PASSWORD_URL = f"postgresql://gateway:{SECRET}@db/gateway"


@pytest.mark.parametrize(
    "text",
    [
        f"database:\n  url: {PASSWORD_URL}\n",
        f"database:\n  url: mysql://a:{SECRET}@db\n",
        f"database:\n  url: 'postgresql://db/x?password={SECRET}'\n",
        f"database: {PASSWORD_URL}\n",
        f"database:\n  url_file: {PASSWORD_URL}\n",
        f"database:\n  url: {PASSWORD_URL}\n  url_file: x\n",
        f"database:\n  urll: {PASSWORD_URL}\n",
        f"database:\n  url: [{PASSWORD_URL}]\n",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(file: Path, text: str) -> None:
    found = problems(file, text)
    assert SECRET not in "\n".join(found)
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, {})
    # Nor does the traceback that Python would print hold it.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_password_in_the_file_says_where_it_belongs(file: Path) -> None:
    assert problems(
        file, f"database:\n  url: {PASSWORD_URL}\n", {"GATEWAY__DATABASE__URL": PASSWORD_URL}
    ) == [
        "gateway.yaml:2: database.url: a password does not belong in this file; set GATEWAY__DATABASE__URL, "
        "or put the address into a file and name it in database.url_file"
    ]


def test_the_databases_address_comes_from_the_environment_and_is_not_shown(file: Path) -> None:
    settings = load(file, "database: {url_file: elsewhere}\n", {"GATEWAY__DATABASE__URL": PASSWORD_URL})
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == PASSWORD_URL
    assert SECRET not in repr(settings)
    assert SECRET not in settings.model_dump_json()
    assert settings.model_dump(mode="json")["admin"] == {"listen": "127.0.0.1:8081"}


def test_a_bad_address_in_the_environment_is_not_repeated() -> None:
    found = problems(None, "", {"GATEWAY__DATABASE__URL": f"db:{SECRET}@x"})
    assert found == [
        "GATEWAY__DATABASE__URL: database.url: this is not a PostgreSQL address; "
        "write one such as postgresql://gateway@db.internal:5432/gateway"
    ]


def test_the_databases_address_comes_from_a_file(file: Path) -> None:
    (file.parent / "url").write_text(f"{PASSWORD_URL}\n")
    settings = load(file, "database: {url: 'postgresql://db/x'}\n", {"GATEWAY__DATABASE__URL_FILE": "url"})
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == PASSWORD_URL
    assert SECRET not in repr(settings)


@pytest.mark.parametrize("content", [f"password={SECRET}", "", f"{PASSWORD_URL}\n{PASSWORD_URL}\n", "\udcff"])
def test_a_file_without_an_address_is_refused_and_not_repeated(file: Path, content: str) -> None:
    (file.parent / "url").write_text(content, errors="surrogateescape")
    found = problems(file, "database:\n  url_file: url\n")
    assert len(found) == 1
    assert found[0].startswith("gateway.yaml:2: database.url_file: the file cannot be read or holds no")
    assert SECRET not in found[0]


def test_every_setting_has_a_variable_of_its_own() -> None:
    variables = [setting.variable for setting in CATALOGUE.values()]
    assert len(set(variables)) == len(variables)
    assert CATALOGUE["proxy", "limits", "head"].variable == "GATEWAY__PROXY__LIMITS__HEAD"


OVERRIDES = {
    "data_dir": "/var/lib/gateway",
    "routes": "/etc/gateway/routes.yaml",
    "proxy.listen": "127.0.0.1:0",
    "proxy.public_url": "https://api.example.com",
    "proxy.trusted_proxies": "[10.0.0.0/8]",
    "proxy.underscore_headers": "pass",
    "proxy.path_allow": "[encoded_slash]",
    "proxy.max_connections": "5",
    "proxy.drain": "5s",
    "proxy.tls.cert_file": "file",
    "proxy.tls.key_file": "file",
    "proxy.cors.allow_origins": "['*']",
    "proxy.limits.head": "64KiB",
    "proxy.limits.headers": "64",
    "proxy.limits.field": "4KiB",
    "proxy.limits.target": "4096",
    "proxy.limits.body": "1GiB",
    "proxy.timeouts.head": "5s",
    "proxy.timeouts.idle": "5s",
    "proxy.timeouts.body": "5s",
    "proxy.guessing.free": "5",
    "proxy.guessing.per": "5s",
    "proxy.guessing.delay": "5s",
    "admin.listen": "127.0.0.1:0",
    "upstream.max_connections": "5",
    "upstream.keep_alive": "5s",
    "upstream.ca_file": "file",
    "upstream.client_cert_file": "file",
    "upstream.client_key_file": "file",
    "upstream.timeouts.connect": "5s",
    "upstream.timeouts.first_byte": "5s",
    "upstream.timeouts.silence": "5s",
    "database.url": "postgresql://gateway@db/gateway",
    "database.url_file": "url",
    "database.pool_size": "5",
    "tokens.prefix": "acme",
    "tokens.pepper_file": "peppers",
    "rotation.window": "5d",
    "rotation.max_window": "25d",
    "rotation.remind_after": "5d",
    "inactivity.expire_after": "5d",
    "identity.header_prefix": "X-Acme-",
    "errors.scope_status": "401",
    "errors.name_missing_scope": "false",
    "index.max_entries": "5",
    "index.max_unknown": "5",
    "index.unknown_for": "5s",
    "index.fresh_for": "5s",
    "index.outage_grace": "5s",
    "records.keep": "30d",
    "records.sample": "0.5",
    "records.errors": "sampled",
    "records.strangers": "5",
    "records.client": "none",
    "records.queue": "5",
    "log.level": "debug",
    "log.access": "off",
    "log.format": "text",
}
PAIRS = (
    {"proxy.tls.cert_file", "proxy.tls.key_file"},
    {"upstream.client_cert_file", "upstream.client_key_file"},
)


def test_the_table_of_overrides_covers_every_setting() -> None:
    assert OVERRIDES.keys() == {
        setting.name for setting in CATALOGUE.values() if setting.form is not Form.SECTION
    }


@pytest.mark.parametrize("name", OVERRIDES)
def test_every_setting_can_be_overridden_by_its_variable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form that the environment cannot express would put a setting out of a container's reach."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("PEM")
    (tmp_path / "url").write_text("postgresql://db/gateway")
    together = next((pair for pair in PAIRS if name in pair), {name})
    environ = {CATALOGUE[tuple(each.split("."))].variable: OVERRIDES[each] for each in together}
    settings, default = load_settings(None, environ), load_settings(None, {})
    assert _at(settings, name) != _at(default, name)


def _at(settings: Settings, name: str) -> object:
    value: object = settings
    for part in name.split("."):
        value = getattr(value, part, None)
    return value
