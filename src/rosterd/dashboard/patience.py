"""How often somebody may ask for the same thing: counted in memory, by each process for itself."""

from __future__ import annotations

import time

from rosterd.ratelimit.buckets import Bucket, decide
from rosterd.ratelimit.limits import Limit

MAILS = Limit("signin_link", per_minute=1, burst=15)
MAIL_COST = 3
"""Five mails at once to one address, then one every three minutes."""

REFUSALS = Limit("refused_sign_ins", per_minute=60, burst=60)
"""Of the refused sign-ins of one person, or of nobody known, so many are put into the trail."""

MOST_KEYS = 10_000


class Patience:
    """Buckets by key; when there are too many, the oldest are forgotten."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def allows(self, key: str, limit: Limit, cost: int) -> bool:
        """Whether this may be once more."""
        decision = decide(time.time_ns() // 1_000, [self._buckets.pop(key, None)], [limit], cost)
        self._buckets[key] = decision.buckets[0]
        if len(self._buckets) > MOST_KEYS:
            self._buckets.pop(next(iter(self._buckets)))
        return decision.allowed
