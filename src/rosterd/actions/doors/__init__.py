"""What lets somebody in: apps and their tokens, sign-in, passwords, and forms that count once.

Rules of this package are those of :mod:`rosterd.actions`, and:

1. A secret is made here, shown to the caller once, and kept as a keyed hash.
2. Whoever is turned away learns nothing about whom there is.
"""
