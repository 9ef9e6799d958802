"""How somebody or something gets in: tokens, apps, sessions, links, codes and passwords.

Rules of this package:

1. A secret is kept as a keyed hash, never as itself; a password as Argon2id makes it.
2. What lets in has an end, and is gone at once when it is revoked.
"""
