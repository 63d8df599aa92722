"""What a rotation means to callers, in a few lines that share nothing with the product: the oracle of the machines."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.core.rotation import Operation

MINTING = frozenset({Operation.ISSUE, Operation.ROTATE_LATER, Operation.ROTATE_NOW})


@dataclass
class RotationModel:
    """One integration. Tokens are numbered as they are issued; `dead` says what the caller of a dead one is told."""

    current: int | None = None
    old: int | None = None
    deadline: float = 0.0
    suspended: bool = False
    deleted: bool = False
    issued: int = 0
    dead: dict[int, str] = field(default_factory=dict)

    def allows(self, operation: Operation, now: float) -> bool:
        self.look_at_the_clock(now)
        if self.deleted:
            return False
        match operation:
            case Operation.ISSUE:
                return self.current is None
            case Operation.ROTATE_LATER:
                return self.current is not None and self.old is None
            case Operation.ROTATE_NOW | Operation.EXPIRE:
                return self.current is not None
            case Operation.CANCEL_ROTATION | Operation.EXPIRE_OLD:
                return self.old is not None

    def operate(self, operation: Operation, now: float, window: float) -> None:
        """`now` is when it is done, `window` how long the old token lives on after `rotate_later`."""
        assert self.allows(operation, now)
        match operation:
            case Operation.ROTATE_LATER:
                self.old, self.deadline = self.current, now + window
            case Operation.ROTATE_NOW:
                self._kill("token_revoked", self.old, self.current)
            case Operation.CANCEL_ROTATION:
                self._kill("token_revoked", self.current)
                self.current, self.old = self.old, None
            case Operation.EXPIRE_OLD:
                self._kill("token_expired", self.old)
            case Operation.EXPIRE:
                self._kill("token_expired", self.old, self.current)
                self.current = None
            case Operation.ISSUE:
                pass
        if operation in MINTING:
            self.current = self.issued
            self.issued += 1

    def delete(self, now: float) -> None:
        self.look_at_the_clock(now)
        self._kill("token_revoked", self.old, self.current)
        self.current, self.deleted = None, True

    def _kill(self, code: str, *tokens: int | None) -> None:
        for token in tokens:
            if token is not None:
                self.dead[token] = code
            if token == self.old:
                self.old = None

    def look_at_the_clock(self, now: float) -> None:
        if self.old is not None and now >= self.deadline:
            self._kill("token_rotated", self.old)

    def told(self, token: int, now: float) -> str | None:
        """The code that a call with this token is answered with; None: it passes."""
        self.look_at_the_clock(now)
        return self.dead.get(token) or ("integration_suspended" if self.suspended else None)
