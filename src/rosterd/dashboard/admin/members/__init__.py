"""Members, and a member: who they are, where and why, and what can be done about them."""

from rosterd.dashboard.admin.members import changes, member, table

__all__ = ["changes", "member", "table"]
