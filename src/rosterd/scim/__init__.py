"""The protocol: SCIM 1.1 and SCIM 2.0 (RFC 7643, RFC 7644) as Slack speaks them.

Rules of this package:

1. It is pure: no I/O, no clock, no randomness, no logging. JSON-shaped dicts go in and come out.
2. It knows no other part of rosterd. What a user or a group *is* belongs to the directory; here they are
   attributes with names. Whether a name exists is decided by :mod:`rosterd.provisioning`.
3. It refuses with :mod:`rosterd.scim.errors`, in the RFC's words. Slack's codes and HTTP statuses for them
   are chosen on the web floor.
4. Whatever can be parsed can be printed, and the print parses back to the same value.

The theory: the two versions differ in spelling, not in meaning. :class:`rosterd.scim.dialect.Dialect` is
that spelling as a value: URNs, envelopes, statuses, and the leniencies that real clients need. Everything
else works on one syntax tree for both (:mod:`rosterd.scim.grammar`): a *path* names an attribute by a neutral
extension key and a lower-cased name, a *filter* is a condition over paths, and a PATCH body of either version
is a list of :class:`rosterd.scim.patch.Operation`. So a client's spelling never decides what it means: a
``slack_sdk`` that sends 1.1 bodies to ``/scim/v2`` is understood, and ``emails[primary eq false]`` is the
same value whichever case, quotes or URN version it came in.

Text comes from strangers, so every parser here is linear in the length of its input, is bounded in length,
depth and number, and raises nothing but :class:`rosterd.scim.errors.ScimError`.
"""
