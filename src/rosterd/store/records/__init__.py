"""What has happened: the audit trail, days of activity, requests that were refused, and lists made of these.

Rules of this package:

1. A record is appended, and forgotten when its time is over. Only erasure changes one: it empties personal
   data.
2. Records are listed from the newest, a bounded number of rows at a time.
"""
