"""What the services refuse, as one line for a person at a terminal: what is wrong, and which command helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from gateway.admin.management.codes import Code
from gateway.admin.management.refusals import ConflictingState, Flaw, Missing, Refusal, Unprocessable
from gateway.storage.errors import NotFound

# By code; what is not here says enough by itself.
WAYS_OUT: Final = {
    Code.LABS_PRIVATE_INTEGRATIONS_OFF: "`gateway account edit ACCOUNT --private-integrations on` switches them on",
    Code.NO_TOKEN: "`gateway integration issue`",
    Code.TOKEN_EXISTS: "`gateway integration rotate`",
    Code.NO_ROTATION: "`gateway integration rotate --later` begins one",
    Code.ROTATION_UNDER_WAY: "`gateway integration cancel-rotation`, `expire-old` or `rotate --now`",
    Code.INTEGRATION_DELETED: "`gateway integration create` makes another",
    Code.EMAIL_TAKEN: "`gateway member list` shows who has it, if they are in this account",
    Code.VERSION_STALE: "`gateway integration show`, then try again",
}
_LISTS: Final = {
    "account": "`gateway account list` shows those there are",
    "integration": "`gateway integration list --account ACCOUNT` shows those there are",
    "member": "`gateway member list --account ACCOUNT` shows those there are",
    "request record": "it may not be of the sample, be older than records.keep, or be of this second",
    "admin key": "`gateway admin-key list` shows those there are",
    "map": "`gateway map history` shows those there are",
}
# The members of requests that have another name among the options.
_OPTIONS: Final = {
    "account_id": "--account",
    "parent_id": "--parent",
    "scopes": "--scope",
    "integration_id": "--integration",
    "trace_id": "--trace",
    "labs": "--private-integrations",
    "inactivity_expire_after_days": "--inactivity-days",
    "rotation_remind_after_days": "--rotation-reminder-days",
}


def flaws_in_words(flaws: Sequence[Flaw], names: Mapping[str, str] | None = None) -> str:
    """Each flaw once, with the option it is in; `names` has the members that were given as arguments."""
    lines = []
    for flaw in flaws:
        member = flaw.pointer.split("/")[1]
        place = (names or {}).get(member) or _OPTIONS.get(member, f"--{member.replace('_', '-')}")
        lines.append(f"{place}: {flaw.message.removesuffix('.')}")
    return "; ".join(dict.fromkeys(lines))


def in_words(refusal: Refusal) -> str:
    """The line."""
    match refusal:
        case Missing(__cause__=NotFound() as cause):
            text, way = f"there is no {cause.kind} {cause.identifier!r}", _LISTS.get(cause.kind)
        case Unprocessable():
            text, way = flaws_in_words(refusal.flaws), None
        case _:
            detail = refusal.detail.removesuffix(".")
            text, way = f"{detail[:1].lower()}{detail[1:]}", WAYS_OUT.get(refusal.code)
    if isinstance(refusal, ConflictingState) and refusal.rotation_ends_at is not None:
        text += f"; it ends at {refusal.rotation_ends_at:%Y-%m-%d %H:%M:%S} UTC"
    return text if way is None else f"{text} ({way})"
