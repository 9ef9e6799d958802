"""How much may be asked in a while: named limits, and one decision over several of them. Pure.

A limit is a *token bucket*: it holds ``burst`` tokens, ``per_minute`` of them grow back in a minute, evenly,
and a request takes one. So a burst passes at once, and in any stretch of time no more than the burst and what
grows back in it. A request spends from every bucket that it names, or from none: what is refused costs
nothing, so a client that tries too early does not push its own turn away.

Rules of this package:

1. Levels are whole numbers. The unit is the 60,000,000th part of a token, because that is what one token a
   minute grows by in a microsecond. Nothing is rounded, so buckets in this process and buckets in a shared
   store, counted by other code, say the same.
2. The time is an argument, in microseconds of any clock. A clock that goes back refills nothing.
3. Where buckets live is the caller's business.

`limits` has the tables, `buckets` the arithmetic, `table` what an operator's file changes.
"""
