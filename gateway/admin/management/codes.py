"""The `code` of every refusal of the management. Programs go by these: a name never changes its meaning."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why something was refused."""

    CREDENTIALS_MISSING = "credentials_missing"
    ADMIN_KEY_INVALID = "admin_key_invalid"
    SESSION_OVER = "session_over"
    LOGIN_REFUSED = "login_refused"
    ADMIN_REQUIRED = "admin_required"
    OPERATOR_REQUIRED = "operator_required"
    SESSION_REQUIRED = "session_required"
    PRIVATE_INTEGRATIONS_NOT_PERMITTED = "private_integrations_not_permitted"
    LABS_PRIVATE_INTEGRATIONS_OFF = "labs_private_integrations_off"
    CANNOT_GRANT = "cannot_grant"
    OWN_MEMBERSHIP = "own_membership"
    CSRF_REFUSED = "csrf_refused"
    CROSS_SITE_REFUSED = "cross_site_refused"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EMAIL_TAKEN = "email_taken"
    PARENT_REFUSED = "parent_refused"
    INTEGRATION_DELETED = "integration_deleted"
    NO_TOKEN = "no_token"  # noqa: S105 - a code, no password
    TOKEN_EXISTS = "token_exists"  # noqa: S105 - a code, no password
    NO_ROTATION = "no_rotation"
    ROTATION_UNDER_WAY = "rotation_under_way"
    VERSION_STALE = "version_stale"
    INVALID = "invalid"
    CONFIGURATION_INVALID = "configuration_invalid"
    RATE_LIMITED = "rate_limited"
    # Of the API alone: what came before a refusal could be found, and failures.
    JSON_MALFORMED = "json_malformed"
    CONTENT_TYPE = "content_type"
    BODY_TOO_LARGE = "body_too_large"
    PATH_UNKNOWN = "path_unknown"
    METHOD_REFUSED = "method_refused"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL_ERROR = "internal_error"
