"""scim2-client over httpx: the strict RFC client that judges SCIM 2.0.

Its own network engine asks for another HTTP library; an engine is one method, so this one is ours. The
building of requests and the checking of responses, which is what judges, stays scim2-client's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from scim2_client import BaseSyncSCIMClient
from scim2_models import ResourceType, Schema, ScimProvider, ServiceProviderConfig

from tests.protocol.live import Org


class RfcClient(BaseSyncSCIMClient):
    """A scim2-client whose requests go to the base URL of ``http``."""

    def __init__(self, http: httpx.Client, provider: ScimProvider | None = None) -> None:
        super().__init__(provider=provider)
        self._http = http

    def request(self, method: str, url: str, **kwargs: Any) -> httpx.Response:
        """Send one request; ``url`` is relative to the base URL."""
        return self._http.request(method, url, **kwargs)


@contextmanager
def rfc_http(org: Org) -> Iterator[httpx.Client]:
    """An HTTP client at ``/scim/v2`` with the token of the organisation's owner."""
    headers = {"Authorization": f"Bearer {org.token}"}
    base_url = f"{org.server.url}/scim/v2"
    with httpx.Client(base_url=base_url, headers=headers, timeout=30, trust_env=False) as http:
        yield http


def described(http: httpx.Client, *left_out: str) -> ScimProvider:
    """What the server says of itself, without the core user attributes named in ``left_out``.

    Slack's ServiceProviderConfig is a SCIM 1.1 body (no ``schemas``, ``specUrl``, ``xmlDataFormat``), which
    scim2-client refuses: it is put into RFC 7643's words first. Schemas and ResourceTypes are read as they
    are.
    """
    schemas = [Schema.model_validate(each) for each in http.get("/Schemas").json()["Resources"]]
    for schema in schemas:
        schema.attributes = [each for each in schema.attributes or () if each.name not in left_out]
    resource_types = [
        ResourceType.model_validate(each) for each in http.get("/ResourceTypes").json()["Resources"]
    ]
    return ScimProvider.from_discovery(schemas, resource_types, _config(http))


def _config(http: httpx.Client) -> ServiceProviderConfig:
    body = http.get("/ServiceProviderConfig").json()
    body["schemas"] = [ServiceProviderConfig.__schema__]
    del body["xmlDataFormat"]
    for scheme in body["authenticationSchemes"]:
        scheme["specUri"] = scheme.pop("specUrl")
    return ServiceProviderConfig.model_validate(body)
