"""A request of the past as a question of today: what its record keeps is asked again, what it does not is taken as right."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.admin.management.access import Right, enter
from gateway.admin.management.explain_request import ExplainRequest
from gateway.admin.management.explain_views import Stage
from gateway.admin.management.principal import Principal
from gateway.admin.management.refusals import Forbidden, Missing, flaw
from gateway.core.model import Route, RouteMap
from gateway.core.reasons import Code
from gateway.core.routes import is_parameter, split
from gateway.core.usage import parted
from gateway.storage import request_records
from gateway.storage.database import Reader
from gateway.storage.request_records import RequestRecord

# Cannot be mistaken for a literal by accident.
_ANY_VALUE = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A record, the question that it makes, and the steps for which it keeps nothing."""

    record: RequestRecord
    asked: ExplainRequest
    assumed: frozenset[Stage]


async def record_of(reader: Reader, principal: Principal, trace_id: str, *, in_full: bool) -> RequestRecord:
    """The newest record with this trace id that the principal may see. Raises Unprocessable when there is none."""
    for record in await request_records.of_trace(reader, trace_id):
        if in_full or await _may_see(reader, principal, record):
            return record
    raise flaw("/trace_id", "There is no recorded request with this trace id.", "not_found")


async def _may_see(reader: Reader, principal: Principal, record: RequestRecord) -> bool:
    if record.account_id is None:
        return False
    try:
        await enter(reader, principal, record.account_id, Right.MANAGE_INTEGRATIONS)
    except (Missing, Forbidden):
        return False
    return True


def past(record: RequestRecord, asked: ExplainRequest, route_map: RouteMap) -> Past:
    """The question. Raises Unprocessable for a request that met no route: paths are not kept."""
    if record.route is None:
        raise flaw(
            "/trace_id",
            f"This request met no route ({record.status} {record.code or 'answered'}), and its path was not recorded: "
            "it cannot be judged again.",
            "no_route",
        )
    method, template = parted(record.route)
    route = _same(route_map, method, template)
    assumed: set[Stage] = set()
    headers: dict[str, str | tuple[str, ...]] = {}
    if route is not None and route.versions and record.code != Code.VERSION_REQUIRED:
        headers["Version"] = route.versions[0]
        assumed.add(Stage.VERSION)
    if record.code == Code.BODY_TOO_LARGE:
        assumed.add(Stage.LIMITS)
    question = {
        "method": method,
        "path": _with_values(template),
        "headers": headers,
        "body_bytes": record.bytes_in,
        **({"map": asked.map} if "map" in asked.model_fields_set else {}),
    }
    return Past(record=record, asked=ExplainRequest.model_validate(question), assumed=frozenset(assumed))


def _same(route_map: RouteMap, method: str, template: str) -> Route | None:
    """The operation in this map; a HEAD may be served by its GET."""
    known = {(route.method, route.template): route for route in route_map.routes}
    return known.get((method, template)) or (known.get(("GET", template)) if method == "HEAD" else None)


def _with_values(template: str) -> str:
    segments = [_ANY_VALUE if is_parameter(segment) else segment for segment in split(template)]
    path = "/" + "/".join(segments)
    return f"{path}/" if template.endswith("/") and segments else path
