"""Every reason the gateway answers by itself: its code, status and words, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final


class Code(StrEnum):
    """The `code` of an answer of our own. Callers program against these: a name never changes its meaning."""

    BAD_REQUEST = "bad_request"
    PATH_REFUSED = "path_refused"
    METHOD_REFUSED = "method_refused"
    PROTOCOL_UNSUPPORTED = "protocol_unsupported"
    REQUEST_TIMEOUT = "request_timeout"
    TOKEN_MISSING = "token_missing"
    TOKEN_MALFORMED = "token_malformed"
    TOKEN_UNKNOWN = "token_unknown"
    TOKEN_ROTATED = "token_rotated"
    TOKEN_EXPIRED = "token_expired"
    TOKEN_REVOKED = "token_revoked"
    INTEGRATION_SUSPENDED = "integration_suspended"
    ACCOUNT_KIND = "account_kind"
    SCOPE_MISSING = "scope_missing"
    ROUTE_UNKNOWN = "route_unknown"
    VERSION_REQUIRED = "version_required"
    BODY_TOO_LARGE = "body_too_large"
    TARGET_TOO_LONG = "target_too_long"
    HEAD_TOO_LARGE = "head_too_large"
    RATE_LIMITED = "rate_limited"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_BAD_RESPONSE = "upstream_bad_response"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    STORE_UNAVAILABLE = "store_unavailable"
    OVERLOADED = "overloaded"
    INTERNAL_ERROR = "internal_error"


# What Python says before 3.13 is older than RFC 9110.
_PHRASES: Final = {413: "Content Too Large", 414: "URI Too Long"}


@dataclass(frozen=True, slots=True)
class Reason:
    """How a code is answered. `challenge`: the answer carries `WWW-Authenticate` (RFC 6750 section 3)."""

    status: int
    message: str
    challenge: str = ""
    retry_after_seconds: int | None = None

    @property
    def phrase(self) -> str:
        """The reason phrase of RFC 9110 for the status."""
        return _PHRASES.get(self.status) or HTTPStatus(self.status).phrase


_ASK: Final = "ask"
_INVALID: Final = "invalid_token"
_SCOPE: Final = "insufficient_scope"

REASONS: Final[dict[Code, Reason]] = {
    Code.BAD_REQUEST: Reason(400, "The request is not valid HTTP."),
    Code.PATH_REFUSED: Reason(400, "The request path is ambiguous and was refused."),
    Code.METHOD_REFUSED: Reason(405, "This method is not served here."),
    Code.PROTOCOL_UNSUPPORTED: Reason(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."),
    Code.REQUEST_TIMEOUT: Reason(408, "The request did not arrive in time."),
    Code.TOKEN_MISSING: Reason(401, "No bearer token was given.", _ASK),
    Code.TOKEN_MALFORMED: Reason(
        401, "The Authorization header does not hold one valid bearer token.", _INVALID
    ),
    Code.TOKEN_UNKNOWN: Reason(401, "The token was never issued here.", _INVALID),
    Code.TOKEN_ROTATED: Reason(
        401, "The token was replaced by a rotation and its deadline has passed.", _INVALID
    ),
    Code.TOKEN_EXPIRED: Reason(401, "The token has expired.", _INVALID),
    Code.TOKEN_REVOKED: Reason(401, "The token was revoked.", _INVALID),
    Code.INTEGRATION_SUSPENDED: Reason(403, "The integration is suspended."),
    Code.ACCOUNT_KIND: Reason(403, "This operation is for the other kind of account."),
    Code.SCOPE_MISSING: Reason(403, "The token is not authorized for this scope.", _SCOPE),
    Code.ROUTE_UNKNOWN: Reason(404, "There is no such operation."),
    Code.VERSION_REQUIRED: Reason(400, "The Version header must name a version that this operation has."),
    Code.BODY_TOO_LARGE: Reason(413, "The request body is larger than this operation takes."),
    Code.TARGET_TOO_LONG: Reason(414, "The request target is too long."),
    Code.HEAD_TOO_LARGE: Reason(431, "The request header fields are too large."),
    Code.RATE_LIMITED: Reason(429, "Too many requests.", retry_after_seconds=10),
    Code.UPSTREAM_UNREACHABLE: Reason(502, "The service behind this operation cannot be reached."),
    Code.UPSTREAM_BAD_RESPONSE: Reason(502, "The service behind this operation gave no valid answer."),
    Code.UPSTREAM_TIMEOUT: Reason(504, "The service behind this operation did not answer in time."),
    Code.STORE_UNAVAILABLE: Reason(503, "The token cannot be checked at the moment.", retry_after_seconds=5),
    Code.OVERLOADED: Reason(503, "The gateway is busy.", retry_after_seconds=1),
    Code.INTERNAL_ERROR: Reason(500, "The gateway failed to handle this request."),
}
