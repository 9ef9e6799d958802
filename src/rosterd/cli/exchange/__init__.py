"""An organisation as a file of lines: written by ``rosterd export``, read by ``rosterd import``.

:mod:`~rosterd.cli.exchange.lines` is the format, :mod:`~rosterd.cli.exchange.values` translates between
it and the directory's values with every check, and the commands move them in constant memory.
"""
