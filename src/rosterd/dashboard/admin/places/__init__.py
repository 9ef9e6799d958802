"""Groups, workspaces and channels: who is there and why, and where groups lead."""

from rosterd.dashboard.admin.places import channels, connecting, groups, people, workspaces

__all__ = ["channels", "connecting", "groups", "people", "workspaces"]
