"""``python -m rosterd``."""

from rosterd.cli import main

main()
