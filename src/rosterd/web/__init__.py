"""Machines: what clients reach over HTTP. Rules of this package:

1. Routing comes first and permits nothing: a path that no row names is 404, and every row but the
   few marked public needs a token before anything else about the request is looked at.
2. Handlers translate. Rules live in :mod:`rosterd.actions` and below.
3. Every failure becomes bytes in :mod:`rosterd.web.errors`, by one table.
"""
