"""Which program is which, by the name that it gives itself."""

from __future__ import annotations

import pytest

from rosterd.directory.connectors import LABELS, connector

SEEN = {
    "Okta SCIM Client 1.0.0": "okta",
    "okta scim client": "okta",
    "Azure AD": "entra",
    "AzureAD-SCIM-Provisioning/1.0": "entra",
    "Microsoft-SCIM-Client/1.0": "entra",
    "Microsoft Azure AD SCIM provisioning 1.2.3": "entra",
    "Microsoft Entra ID": "entra",
    "Google-Auto-Provisioning": "google",
    "Google-Cloud-Auto-Provisioning": "google",
    "OneLogin SCIM": "onelogin",
    "JumpCloud SCIM 2.0": "jumpcloud",
    "authentik@2025.2.0": "authentik",
    "PingFederate/11.3": "ping",
    "Python/3.11.2 slackclient/3.27.0 Linux/6.1.0": "slack_sdk",
    "Java-Slack-SDK; slack-api-client/1.45.3; OpenJDK 64-Bit Server VM/21.0.2; Linux/6.1": "slack_sdk",
    "slack-api-client/1.45.3; OpenJDK 64-Bit Server VM/21.0.2; Linux/6.1": "slack_sdk",
    "@slack:web-api/7.8.0 node/22.12.0 linux/6.1.0": "slack_sdk",
    "HashiCorp Terraform/1.9.8 (+https://www.terraform.io)": "terraform",
    "curl/8.7.1": "script",
    "python-httpx/0.28.1": "script",
    "python-requests/2.32.3": "script",
    "Python-urllib/3.13": "script",
    "Go-http-client/2.0": "script",
    "okhttp/4.12.0": "script",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041": "script",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/138.0 Safari/537.36 Edg/138.0": "dashboard",
    "rosterd": "rosterd",
    "rosterd user create": "rosterd",
    "rosterd serve --demo": "rosterd",
    "rosterd import": "import",
    "rosterd org import": "import",
    "connector/1.0": "other",
    "oktagon/1.0": "other",
    "": "other",
}


@pytest.mark.parametrize("client", SEEN)
def test_a_client_is_known_by_its_name(client: str) -> None:
    assert connector(client) == SEEN[client]


def test_every_connector_has_a_name_for_people() -> None:
    assert set(SEEN.values()) <= set(LABELS)


@pytest.mark.parametrize("client", ["\0", "a" * 256, "okta" * 64, "Google" + " a-" * 80, "rosterdx"])
def test_whatever_a_client_calls_itself_has_an_answer(client: str) -> None:
    assert connector(client) in LABELS
