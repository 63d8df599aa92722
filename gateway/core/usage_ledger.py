"""Use that was counted and is not stored yet: merged by row, bounded, the oldest detail given up first.

It knows no clock and no store. What is peeked at stays until it is settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from gateway.core.usage import HourlyCount, NetworkUse, ShadowCount, TokenUse


@dataclass(slots=True)
class Dropped:
    """What was given up for want of room: uses of tokens, and requests missing from counts, shadows and networks."""

    uses: int = 0
    hours: int = 0
    shadows: int = 0
    networks: int = 0


@dataclass(slots=True)
class _Seen:
    first_at: float
    last_at: float
    count: int = 0

    def again(self, first_at: float, last_at: float, count: int = 0) -> None:
        self.first_at = min(self.first_at, first_at)
        self.last_at = max(self.last_at, last_at)
        self.count += count


class UsageLedger:
    """Rows to be written. `max_tokens` should not be less than the tokens that may be served while the store is away."""

    def __init__(
        self,
        *,
        max_tokens: int,
        max_hours: int = 200_000,
        max_networks: int = 100_000,
        max_networks_per_token: int = 64,
    ) -> None:
        self._max_tokens = max_tokens
        self._max_hours = max_hours
        self._max_networks = max_networks
        self._max_networks_per_token = max_networks_per_token
        self._uses: dict[str, _Seen] = {}
        self._hours: dict[tuple[str, int, str, str], int] = {}
        self._shadows: dict[tuple[str, int, str, str], int] = {}
        self._networks: dict[tuple[str, str], _Seen] = {}
        self._networks_of: dict[str, set[str]] = {}
        self.dropped = Dropped()

    def __repr__(self) -> str:
        return f"UsageLedger({len(self._uses)} tokens, {len(self._hours)} counts, {len(self._networks)} networks)"

    def __len__(self) -> int:
        return len(self._uses) + len(self._hours) + len(self._shadows) + len(self._networks)

    @property
    def has_uses(self) -> bool:
        """Whether some use of a token is not stored yet."""
        return bool(self._uses)

    def use(self, token_id: str, first_at: float, last_at: float) -> None:
        """A token was used."""
        seen = self._uses.get(token_id)
        if seen is not None:
            seen.again(first_at, last_at)
        elif len(self._uses) < self._max_tokens:
            self._uses[token_id] = _Seen(first_at, last_at)
        else:
            self.dropped.uses += 1

    def count(self, token_id: str, hour: int, route: str, outcome: str, count: int) -> None:
        """Requests of one kind within an hour."""
        self.dropped.hours += self._add(self._hours, (token_id, hour, route, outcome), count)

    def shadow(self, token_id: str, hour: int, route: str, code: str, count: int) -> None:
        """Requests of one kind within an hour that a shadow would have refused."""
        self.dropped.shadows += self._add(self._shadows, (token_id, hour, route, code), count)

    def _add(
        self, counts: dict[tuple[str, int, str, str], int], key: tuple[str, int, str, str], count: int
    ) -> int:
        """Count; how many requests were given up for it."""
        held = counts.get(key)
        given_up = counts.pop(next(iter(counts))) if held is None and len(counts) >= self._max_hours else 0
        counts[key] = (held or 0) + count
        return given_up

    def seen(self, token_id: str, network: str, first_at: float, last_at: float, count: int) -> None:
        """Requests from one network."""
        key = (token_id, network)
        held = self._networks.get(key)
        if held is not None:
            held.again(first_at, last_at, count)
            return
        of_token = self._networks_of.setdefault(token_id, set())
        if len(of_token) >= self._max_networks_per_token:
            self._give_up((token_id, min(of_token, key=lambda name: self._networks[token_id, name].last_at)))
        elif len(self._networks) >= self._max_networks:
            self._give_up(next(iter(self._networks)))
        self._networks[key] = _Seen(first_at, last_at, count)
        self._networks_of.setdefault(token_id, set()).add(network)

    def _give_up(self, key: tuple[str, str]) -> None:
        self.dropped.networks += self._networks[key].count
        self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        del self._networks[key]
        of_token = self._networks_of[key[0]]
        of_token.discard(key[1])
        if not of_token:
            del self._networks_of[key[0]]

    # Writing: what was peeked at is settled before anything is added.

    def peek_uses(self, limit: int, *, but: frozenset[str] = frozenset()) -> tuple[TokenUse, ...]:
        """The uses of up to `limit` tokens, without those named in `but`."""
        wanted = ((token_id, seen) for token_id, seen in self._uses.items() if token_id not in but)
        return tuple(
            TokenUse(token_id, seen.first_at, seen.last_at) for token_id, seen in islice(wanted, limit)
        )

    def peek_hours(self, limit: int) -> tuple[HourlyCount, ...]:
        """Up to `limit` counts, the oldest first."""
        return tuple(HourlyCount(*key, count) for key, count in islice(self._hours.items(), limit))

    def peek_shadows(self, limit: int) -> tuple[ShadowCount, ...]:
        """Up to `limit` counts of what shadows would have refused, the oldest first."""
        return tuple(ShadowCount(*key, count) for key, count in islice(self._shadows.items(), limit))

    def peek_networks(self, limit: int) -> tuple[NetworkUse, ...]:
        """Up to `limit` networks, the oldest first."""
        return tuple(
            NetworkUse(token_id, network, seen.first_at, seen.last_at, seen.count)
            for (token_id, network), seen in islice(self._networks.items(), limit)
        )

    def settle_uses(self, uses: tuple[TokenUse, ...], *, but: frozenset[str] = frozenset()) -> None:
        """These are stored, without those of the tokens in `but`."""
        for use in uses:
            if use.token_id not in but:
                del self._uses[use.token_id]

    def settle_hours(self, hours: tuple[HourlyCount, ...]) -> None:
        """These are stored."""
        for hour in hours:
            del self._hours[hour.token_id, hour.hour, hour.route, hour.outcome]

    def settle_shadows(self, shadows: tuple[ShadowCount, ...]) -> None:
        """These are stored."""
        for shadow in shadows:
            del self._shadows[shadow.token_id, shadow.hour, shadow.route, shadow.code]

    def settle_networks(self, networks: tuple[NetworkUse, ...]) -> None:
        """These are stored."""
        for network in networks:
            self._forget((network.token_id, network.network))
