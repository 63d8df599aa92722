"""The `gateway` command. Each file holds one group of commands; what they do is done by the layers below."""

from __future__ import annotations

from gateway.cli.app import main

__all__ = ["main"]
