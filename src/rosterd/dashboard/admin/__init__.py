"""The Org Dashboard: pages by which administrators see who is invited, active or gone, and why, and steer it.

Rules of this package:

1. A page is registered with its path and the least role that sees it (:mod:`rosterd.dashboard.admin.frame`).
   What its forms do is asked of the actions again, against the target.
2. A form says which page it belongs to: whatever is wrong is said there, with what was typed. It counts
   once, and where it depends on what was shown it carries a stamp of that: if that has changed meanwhile,
   nothing is done.
3. All that a list shows (filter, order, columns, place) stands in its address.
4. Nothing is counted to draw a page: counts are kept (:mod:`rosterd.store.people.index`), lists go from key
   to key.
"""
