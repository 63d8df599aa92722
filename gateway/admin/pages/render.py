"""Templates to bytes. Every value is escaped; a name that is not there is an error."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from gateway.admin.management.sessions import csrf_token
from gateway.admin.pages import moments, route_listing, words
from gateway.admin.pages.answers import BASE, DONE_WORDS, OPERATORS, Done, Show
from gateway.admin.pages.navigation import groups
from gateway.admin.pages.static import StaticFiles
from gateway.admin.pages.visit import Visit

_TEMPLATES: Final = Path(__file__).with_name("templates")


def environment(static: StaticFiles) -> Environment:
    """The templates with their filters."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        moment=moments.moment,
        second=moments.second,
        milliseconds=moments.milliseconds,
        day=moments.day,
        ago=moments.ago,
        left=moments.left,
        span=moments.span_words,
        counted=moments.counted,
        breakable=moments.breakable,
        capitalize_first=words.capitalized,
        action=words.action_words,
        outcome=words.outcome_words,
    )
    made.globals.update(
        base=BASE,
        operators=OPERATORS,
        static=static.address,
        verdicts=words.VERDICTS,
        stage_words=words.STAGES,
        step_words=words.STEPS,
        need_words=route_listing.need_words,
        fresh=lambda: secrets.token_urlsafe(16),
    )
    return made


def render(templates: Environment, show: Show, visit: Visit | None, **more: Any) -> str:
    """The page as text; `visit` is None for who is not signed in."""
    context: dict[str, Any] = {
        "visit": None,
        "nav": (),
        "csrf": "",
        "done": None,
        "errors": {},
        "heading": "",
    }
    if visit is not None:
        context |= {
            "visit": visit,
            "nav": groups(visit),
            "csrf": csrf_token(visit.session_id),
            "done": told(visit.query.get("done", "")),
            "now": visit.rules.now(),
        }
    return templates.get_template(show.template).render({**context, **more, **show.context})


def told(done: str) -> str | None:
    """The words for what was just done; None for what nobody of us says."""
    try:
        return DONE_WORDS[Done(done)]
    except ValueError:
        return None
