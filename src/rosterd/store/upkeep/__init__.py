"""Whole databases and whole organisations: checked, copied, written to a file and read back.

Rules of this package:

1. Rows are read in slices by primary key, in one snapshot; memory does not grow with their number.
2. A copy of a database takes whatever tables there are; an export names what it has of an organisation.
"""
