"""The index of people: what is true of whom, how many they are, and ways to find them by it.

Rules of this package:

1. The index follows from the directory and its audit trail alone; it may be thrown away and made anew.
2. It is brought up to date after each seal of the audit trail, so it is a moment behind.
   :mod:`rosterd.actions.upkeep.indexing` does that; here are the statements.
3. No page counts people or sorts all of them.
"""
