"""Being written."""

from typing import Any


def document(base_url: str) -> dict[str, Any]:
    return {"openapi": "3.1.0", "info": {"title": "rosterd", "version": "0"}, "paths": {}}
