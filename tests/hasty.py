"""rosterd, but that it looks for errands five times a second and not once: tests wait for these."""

from __future__ import annotations

from rosterd.cli import main
from rosterd.delivery import worker

if __name__ == "__main__":
    worker.POLL_SECONDS = 0.2
    main()
