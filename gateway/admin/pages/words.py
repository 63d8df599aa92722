"""Words for people: states, outcomes, actions and what was wrong with a field. Closed sets are covered by a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.admin.management.explain_views import Stage, StepState
from gateway.admin.management.refusals import Flaw
from gateway.core.cutover import Verdict
from gateway.core.reasons import Code
from gateway.storage.audit import Action

ACTIONS: Final = {
    Action.ACCOUNT_CREATE: "Created the account",
    Action.ACCOUNT_EDIT: "Changed account settings",
    Action.MEMBER_CREATE: "Added a member",
    Action.MEMBER_EDIT: "Changed a member",
    Action.MEMBER_PASSWORD: "Set a member's password",
    Action.MEMBER_DELETE: "Removed a member",
    Action.MEMBER_SIGN_IN: "Signed in",
    Action.MEMBER_SIGN_IN_REFUSED: "Refused a sign-in with a wrong password",
    Action.MEMBER_SIGN_OUT: "Signed out",
    Action.MEMBER_SIGN_OUT_EVERYWHERE: "Signed out everywhere",
    Action.INTEGRATION_CREATE: "Created a private integration",
    Action.INTEGRATION_EDIT: "Edited a private integration",
    Action.INTEGRATION_SUSPEND: "Suspended a private integration",
    Action.INTEGRATION_RESUME: "Resumed a private integration",
    Action.INTEGRATION_DELETE: "Deleted a private integration",
    Action.TOKEN_ISSUE: "Generated an access token",
    Action.TOKEN_ROTATE_LATER: "Rotated the token, old one expires later",
    Action.TOKEN_ROTATE_NOW: "Rotated the token, old one expired at once",
    Action.TOKEN_CANCEL_ROTATION: "Cancelled a rotation",
    Action.TOKEN_EXPIRE_OLD: "Expired the old token of a rotation",
    Action.TOKEN_EXPIRE: "Expired the token",
    Action.TOKEN_ROTATION_ENDED: "A rotation reached its deadline",
    Action.ADMIN_KEY_CREATE: "Created an admin key",
    Action.ADMIN_KEY_REVOKE: "Revoked an admin key",
    Action.MAP_PUBLISH: "Took a route map into use",
    Action.MAP_KEEP: "Put a route map aside",
}
OUTCOMES: Final = {
    Code.BAD_REQUEST: "Not valid HTTP",
    Code.PATH_REFUSED: "Ambiguous path",
    Code.METHOD_REFUSED: "Method not served",
    Code.PROTOCOL_UNSUPPORTED: "Protocol not supported",
    Code.REQUEST_TIMEOUT: "Request too slow",
    Code.TOKEN_MISSING: "No token sent",
    Code.TOKEN_MALFORMED: "Token malformed",
    Code.TOKEN_UNKNOWN: "Token unknown",
    Code.TOKEN_ROTATED: "Old token used after its deadline",
    Code.TOKEN_EXPIRED: "Expired token used",
    Code.TOKEN_REVOKED: "Revoked token used",
    Code.INTEGRATION_SUSPENDED: "Integration suspended",
    Code.ACCOUNT_KIND: "For the other kind of account",
    Code.SCOPE_MISSING: "Scope not granted",
    Code.ROUTE_UNKNOWN: "No such operation",
    Code.VERSION_REQUIRED: "Version header missing or wrong",
    Code.BODY_TOO_LARGE: "Body too large",
    Code.TARGET_TOO_LONG: "Address too long",
    Code.HEAD_TOO_LARGE: "Header fields too large",
    Code.RATE_LIMITED: "Too many requests",
    Code.UPSTREAM_UNREACHABLE: "Service unreachable",
    Code.UPSTREAM_BAD_RESPONSE: "Service gave no valid answer",
    Code.UPSTREAM_TIMEOUT: "Service too slow",
    Code.STORE_UNAVAILABLE: "Token could not be checked",
    Code.OVERLOADED: "Gateway busy",
    Code.INTERNAL_ERROR: "Gateway failed",
}
STAGES: Final = {
    Stage.READ: "Read the request",
    Stage.PATH: "Make the path canonical",
    Stage.MATCH: "Find the operation",
    Stage.CREDENTIAL: "Look at the credential",
    Stage.TOKEN: "Look up the token",
    Stage.OPERATION: "Is it served at all",
    Stage.ACCOUNT: "Kind of account",
    Stage.SCOPE: "Scope",
    Stage.VERSION: "Version header",
    Stage.LIMITS: "Limits",
    Stage.SHADOW: "What is only tried",
    Stage.FORWARD: "Forward",
}
# How a step came out: its sign, and the words for who does not see it.
STEPS: Final = {
    StepState.PASSED: ("✓", "passed"),
    StepState.REFUSED: ("✕", "refused"),
    StepState.NOTHING: ("–", "nothing to judge"),
    StepState.UNREACHED: ("·", "not reached"),
}
VERDICTS: Final = {
    Verdict.SAFE_TO_EXPIRE: (
        "good",
        "Safe to expire",
        "The new token is in use, and nobody we know of still sends the old one.",
    ),
    Verdict.OLD_STILL_USED: (
        "warn",
        "The old token is still in use",
        "Whoever sends it will be refused once it expires. Update them first, or cancel the rotation.",
    ),
    Verdict.NEW_NOT_USED_YET: (
        "warn",
        "The new token was not used yet",
        "Your third-party application still works with the old token. Update it with the new one.",
    ),
    Verdict.NOTHING_USED: (
        "quiet",
        "Neither token was used lately",
        "There is no traffic to judge by. Make sure that the application has the new token.",
    ),
}


def action_words(action: str) -> str:
    """An action of the audit; one that this version does not know stays as it is."""
    try:
        return ACTIONS[Action(action)]
    except ValueError:
        return action


def outcome_words(outcome: str) -> str:
    """How a request ended."""
    try:
        return OUTCOMES[Code(outcome)]
    except ValueError:
        return {
            "2xx": "Succeeded",
            "3xx": "Redirected",
            "4xx": "Refused by the service",
            "5xx": "Service failed",
            "caller_left": "Caller left before the answer",
            "caller_stalled": "Caller stopped taking the answer",
        }.get(outcome, outcome)


def capitalized(text: str) -> str:
    """With a capital at its beginning, and all else as it was."""
    return f"{text[:1].upper()}{text[1:]}"


def by_field(flaws: Iterable[Flaw]) -> dict[str, str]:
    """The first thing that is wrong with each field of a form."""
    found: dict[str, str] = {}
    for flaw in flaws:
        name = flaw.pointer.strip("/").partition("/")[0]
        found.setdefault(name, _field_words(name, flaw))
    return found


_PROBLEMS_SHOWN: Final = 20


def of_draft(problems: Sequence[str]) -> dict[str, object]:
    """What a page is told of the problems of a draft, each with its line: the first of them, and how many more there are."""
    return {
        "in_draft": problems[:_PROBLEMS_SHOWN],
        "in_draft_more": max(0, len(problems) - _PROBLEMS_SHOWN),
    }


def _field_words(name: str, flaw: Flaw) -> str:
    match flaw.code:
        case "string_too_short":
            if name.endswith("password"):
                return "Use at least 8 characters."
            return "Fill this in."
        case "string_too_long":
            return flaw.message.replace("String should have at", "Use at").replace(
                "Value should have at", "Use at"
            )
        case "too_short":
            return "Select at least one scope."
        case "string_pattern_mismatch" if name == "email":
            return "Write an e-mail address such as robin@example.com."
        case _:
            return flaw.message
