"""The files that come with the gateway: beside the package where it is installed, in `config/` of a checkout."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """The file `config/NAME` of this version."""
    installed = Path(__file__).parents[1] / "shipped" / name
    return installed if installed.exists() else Path(__file__).parents[2] / "config" / name
