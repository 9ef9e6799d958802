"""How somebody or something gets in: tokens, apps, sessions, links, codes, passwords, the identity provider.

Rules of this package:

1. A secret is kept as a keyed hash, a password as Argon2id makes it. What an identity provider has given us
   is kept as it is, since it has to be used.
2. What has ended is found, too: whether it still counts is the caller's to judge.
"""
