"""Who is in which workspace and channel, why, and what follows from a connection before and after it is made.

Rules of this package:

1. A row is one reason to be in a place; whoever has a reason is there.
2. What follows from a change is a few statements over sets of people, never a loop.
3. A preview is read from the same rows by the same conditions as the change that it is about.
"""
