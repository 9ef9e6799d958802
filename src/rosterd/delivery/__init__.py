"""Out of the outbox: mails, webhooks, durable jobs.

Rules of this package:

1. Several workers run at once, in several processes and on several nodes. The lease of a claim decides whose
   an errand is; nothing else is shared.
2. What is sent is made from the directory as it is at that moment. Whoever was deactivated or forgotten
   meanwhile gets nothing more.
3. An errand is struck off after what it led to has happened: at least once over a crash, and never twice
   otherwise. What is sent again says so by the same Message-ID or event id.
4. Nothing here holds a transaction while it waits for somebody else's server.
5. One slow or dead server, and one busy organisation, holds up nobody else: what may be under way at once is
   bounded for each lane, organisation and subject.
"""
