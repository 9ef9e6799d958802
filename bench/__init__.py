"""The benchmark: how fast rosterd is, beside what the machine can do at all. Neither a test nor a part of it.

Rules of this package:

1. What is measured is what people run: ``rosterd serve``, one worker, with authentication, limits counted
   (their ceilings lifted, and the lock of single resources off: see ``lifted.toml``), audit, metrics and
   durable commits. The load comes from another process, which must be faster than any server here.
2. A figure stands beside its control, measured in the same minute: rounds of the two take turns, and the
   ratio is the median of the rounds' ratios. Absolute figures drift with the machine, ratios hardly do.
3. Data is made by the directory's own actions, once, and kept in ``.bench``; what a run changes is a copy.
4. A figure that could not be measured is missing, with a note. None is estimated, none is left out for
   being bad.
"""
