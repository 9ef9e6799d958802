"""Who may go on now: Slack's rate limits, and one write at a time for each user or group.

Rules of this package:

1. A request is admitted after its token is known, for its organisation and not for its token, and before
   anything else about it counts. So 401 spends nothing and any other error does.
2. What is refused, for a limit or for a lock, spends nothing.
3. A lock is held until the answer is ready, commit included. It refuses; it never makes anybody wait.
4. Buckets and locks live in this process (`memory`), or in a Valkey or Redis that several processes share
   (`shared`). Without the shared store a process counts by itself: limits are to protect, not to stop.

`gate` is what the service knows, `asking` the words between it and where buckets live.

Source: Slack's page *SCIM API rate limits*; SCIM API reference, heading *Concurrency*.
"""
