"""The SCIM façade: SCIM's words in, the directory's words out, and back.

Rules of this package:

1. :mod:`~rosterd.provisioning.attributes` is the one table of user attributes: rendering, parsing,
   PATCH, ``/Schemas`` and filters all read it.
2. No rule of the directory lives here. What a request says becomes a `UserChange` or a
   `GroupChange`; whether that may be is decided in :mod:`rosterd.actions`.
3. v1.1 and v2.0 differ by a :class:`~rosterd.scim.dialect.Dialect` value that is passed down.

Any body of either version is a list of operations. They are applied, in order and in memory, to a
draft of the user; the draft's difference to the user is the change. So a request applies whole or
not at all, the two versions cannot disagree, and applying it twice changes nothing more.
"""
