"""What happened: the provisioning log, and the audit trail."""

from rosterd.dashboard.admin.records import audit, log

__all__ = ["audit", "log"]
