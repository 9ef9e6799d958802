"""The domain: what Slack means by organisation, user, guest, group and role.

Rules of this package:

1. It is pure: no I/O, no clock, no randomness, no logging. Times and new ids come in as arguments.
2. It knows nothing of SCIM, of SQL or of HTTP. A rule that refuses is a ``check_…`` function that
   raises one of :mod:`rosterd.directory.errors`; a rule that computes is named by what it returns.
3. Values are frozen. An absent field in a change means *unchanged*; ``None`` means *cleared*.
"""
