"""Bulk changes: whom, what, a preview, a typed word, and the way back."""

from rosterd.dashboard.admin.bulk import batches, choice

__all__ = ["batches", "choice"]
