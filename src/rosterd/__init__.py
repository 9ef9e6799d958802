"""rosterd: SCIM provisioning that behaves as Slack's does, and the organisation behind it."""

__version__ = "0.1.0"
