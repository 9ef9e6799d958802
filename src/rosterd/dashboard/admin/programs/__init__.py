"""Programs and what lets them in: apps, tokens, webhooks."""

from rosterd.dashboard.admin.programs import apps, tokens, webhooks

__all__ = ["apps", "tokens", "webhooks"]
