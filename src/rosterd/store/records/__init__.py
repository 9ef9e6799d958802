"""What has happened: the audit trail, its checks, days of activity, refused requests, and lists of these.

Rules of this package:

1. An event of the trail stays as it is. Only erasure changes one: it empties personal data.
2. The rest is bookkeeping of the server: rows are added or counted up, and go when they are old.
3. Events and refusals are listed from the newest, a bounded number of rows at a time.
"""
