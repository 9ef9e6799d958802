"""What the server does of itself, or an operator does to a whole organisation: sealing, indexing, checking,
importing.

Rules of this package:

1. Nothing here changes what an administrator decided; it follows from that, or (an import) it is a copy of
   it.
2. Work goes on in portions, each a transaction of its own. It can be stopped anywhere: the next time goes on
   from there, or begins anew and removes what is left.
"""
