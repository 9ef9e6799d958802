"""Groups, workspaces and channels: who is there and why, and where groups lead."""

from rosterd.dashboard.admin.places import channels, choosing, connecting, groups, people, workspaces

__all__ = ["channels", "choosing", "connecting", "groups", "people", "workspaces"]
