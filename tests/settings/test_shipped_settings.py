from __future__ import annotations

import re
from pathlib import Path

from gateway.settings.annotated_file import with_all_settings
from gateway.settings.catalogue import CATALOGUE, Form
from gateway.settings.load import load_settings
from gateway.settings.model import Settings
from gateway.settings.yaml_document import parse

FILE = Path(__file__).parents[2] / "config" / "gateway.yaml"


def test_the_shipped_file_holds_the_defaults() -> None:
    """Else the file that operators copy and read is not what the gateway does."""
    shipped = load_settings(FILE, {})
    assert shipped.data_dir == FILE.parent / ".gateway"
    assert shipped.routes == FILE.parent / "routes.yaml"
    paths = {"data_dir": Settings().data_dir, "routes": Settings().routes}
    assert shipped.model_copy(update=paths) == Settings()


def test_the_shipped_file_shows_every_setting() -> None:
    """Written out with its default, or commented out where it is absent by default."""
    text = FILE.read_text(encoding="utf-8")
    written = parse(text.encode(), place=str)
    everything = parse(with_all_settings(text).encode(), place=str)
    assert everything.problems == ()
    settings = {path for path, setting in CATALOGUE.items() if setting.form is not Form.SECTION}
    shown = {path for path in everything.lines if path in settings}
    assert shown == settings
    commented = settings - set(written.lines)
    assert {path for path in commented if not _absent_by_default(path)} == set()


def test_what_is_commented_out_is_a_valid_example(tmp_path: Path) -> None:
    """Whoever removes the marks gets a gateway that starts."""
    text = with_all_settings(FILE.read_text(encoding="utf-8"))
    # The two ways to the database exclude each other, as the comment says.
    text = re.sub(r"^ *url_file:.*\n", "", text, flags=re.MULTILINE)
    for name in (
        "tls/server.crt",
        "tls/server.key",
        "tls/upstream-ca.crt",
        "tls/client.crt",
        "tls/client.key",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("PEM")
    (tmp_path / "gateway.yaml").write_text(text, encoding="utf-8")
    settings = load_settings(tmp_path / "gateway.yaml", {})
    assert settings.proxy.cors is not None
    assert settings.inactivity.expire_after is not None


def _absent_by_default(path: tuple[str | int, ...]) -> bool:
    value: object = Settings()
    for name in path:
        value = getattr(value, str(name), None)
    return value is None
