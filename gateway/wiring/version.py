"""The version of the installed distribution."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

DISTRIBUTION: Final = "private-integrations-gateway"
VERSION: Final = version(DISTRIBUTION)
