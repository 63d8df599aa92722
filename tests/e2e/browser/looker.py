"""Looks at pages: asks axe in light and dark, keeps pictures, sees what scrolls sideways, and writes down what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from jinja2 import Environment
from playwright.async_api import Page

BUILD = Path(__file__).parents[3] / "build"
SCREENSHOTS = BUILD / "screenshots"
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
IMPACTS = ("critical", "serious", "moderate", "minor")
WIDE, NARROW, NARROWEST = 1280, 390, 360
_HEIGHT = 900
# A list of 148 scopes is as well seen by its beginning.
_TALLEST = 2400


@dataclass(frozen=True)
class Look:
    """One page in one scheme: by which template it was made, and what axe found, by impact."""

    page: str
    template: str
    scheme: str
    findings: Counter[str]


@dataclass
class Findings:
    """What was looked at so far."""

    looks: list[Look] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def templates(self) -> set[str]:
        return {look.template for look in self.looks}

    def write(self) -> None:
        """`build/axe.md`: a row for each page, a column for each scheme."""
        pages = {look.page: look.template for look in self.looks}
        found = {(look.page, look.scheme): look.findings for look in self.looks}
        rows = [
            f"| {page} | {template} | {' | '.join(_told(found[page, scheme]) for scheme in SCHEMES)} |"
            for page, template in pages.items()
        ]
        sums = [
            _told(sum((look.findings for look in self.looks if look.scheme == scheme), Counter()))
            for scheme in SCHEMES
        ]
        text = [
            "# What axe-core finds on the pages",
            "",
            f"{len(pages)} pages of {len(self.templates)} templates, in {' and '.join(SCHEMES)}.",
            "",
            f"| page | template | {' | '.join(SCHEMES)} |",
            "| --- | --- | --- | --- |",
            *rows,
            f"| **all** | | {' | '.join(sums)} |",
            "",
        ]
        BUILD.mkdir(parents=True, exist_ok=True)
        (BUILD / "axe.md").write_text("\n".join(text))


def _told(findings: Counter[str]) -> str:
    return ", ".join(f"{findings[impact]} {impact}" for impact in IMPACTS if findings[impact]) or "none"


@contextmanager
def rendered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The templates of the pages that are made meanwhile, in their order."""
    made: list[str] = []
    original = Environment.get_template

    def get_template(self: Environment, name: Any, parent: Any = None, globals: Any = None) -> Any:  # noqa: A002
        if parent is None:
            made.append(name)
        return original(self, name, parent, globals)

    with monkeypatch.context() as patch:
        patch.setattr(Environment, "get_template", get_template)
        yield made


class Looker:
    """Opens pages in one browser window, and adds to what is found."""

    def __init__(self, page: Page, findings: Findings, made: list[str]) -> None:
        self.page = page
        self._findings = findings
        self._made = made
        self._axe = Axe()
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    async def open(self, base: str, places: Iterable[tuple[str, str]]) -> None:
        """Looks at each of these addresses."""
        for name, address in places:
            await self.page.goto(base + address)
            await self.look(name)

    async def look(self, name: str) -> None:
        """At the page that is open."""
        page, template = self.page, self._made[-1]
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            response = (await self._axe.run(page)).response
            assert "color-contrast" in {rule["id"] for rule in response["passes"]}, "axe did not look"
            self._note(f"{name}, {scheme}", response["violations"])
            findings = Counter(violation["impact"] for violation in response["violations"])
            self._findings.looks.append(Look(name, template, scheme, findings))
            for width in (NARROW, WIDE):
                await page.set_viewport_size({"width": width, "height": _HEIGHT})
                # In a window that is tall enough what sticks to its edges is where it belongs.
                tall = await page.evaluate("document.documentElement.scrollHeight")
                await page.set_viewport_size({"width": width, "height": min(tall, _TALLEST)})
                await page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{scheme}.png")
        await page.set_viewport_size({"width": NARROWEST, "height": _HEIGHT})
        if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self._findings.wrong.append(f"{name}: scrolls sideways at {NARROWEST}")
        await page.set_viewport_size({"width": WIDE, "height": _HEIGHT})

    def _note(self, where: str, violations: list[dict[str, Any]]) -> None:
        for violation in violations:
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            self._findings.wrong.append(f"{where}: {violation['impact']}: {violation['id']}: {nodes}")
