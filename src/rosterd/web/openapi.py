"""The OpenAPI document of the service, drawn from the routes and from the table of attributes.

Rules of this module:

1. Nothing is listed by hand that :data:`rosterd.web.scim.ROUTES` or
   :data:`rosterd.provisioning.attributes.ATTRIBUTES` knows: a new route or row is in the document.
2. The two versions differ as their :class:`~rosterd.scim.dialect.Dialect` says, in statuses and bodies.

Source: OpenAPI Specification 3.1; the rest is Slack's SCIM API reference, route by route.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rosterd import __version__
from rosterd.scim.dialect import Dialect
from rosterd.web.bodies import Json, error_schema, named_schemas
from rosterd.web.reply import CONTENT_TYPE
from rosterd.web.scim import ROUTES, VERSIONS, Handler, Route

_ERRORS: Mapping[int, tuple[str, str | None]] = {
    400: ("What is asked cannot be: the code says what is wrong.", None),
    401: ("No token, or none that counts.", "WWW-Authenticate"),
    403: ("The token's owner, or the plan, does not allow it.", None),
    404: ("There is no such user, group or path.", None),
    405: ("The path does not know this method.", "Allow"),
    408: ("The body took too long to arrive.", None),
    409: ("Another user or group holds that name or address.", None),
    413: ("The body is too large.", None),
    429: ("A rate limit is used up, or another write to the same user or group goes on.", "Retry-After"),
    500: ("A fault of the server; its log tells more under the request's id.", None),
    503: ("The database does not answer: the same request may work later.", "Retry-After"),
}
_OF_EVERY_CALL = (400, 401, 403, 404, 405, 429, 500, 503)
_OF_BODIES = (*_OF_EVERY_CALL, 408, 409, 413)

_STRING: Json = {"type": "string"}
_NUMBER: Json = {"type": "integer"}

_PAGING = (
    ("startIndex", _NUMBER, "First resource of the page, from 1."),
    ("count", _NUMBER, "Resources in the page: 10 unless told, at most 1,000."),
    ("filter", _STRING, 'Such as userName eq "ann".'),
    ("sortBy", _STRING, "Ignored: lists are in order of creation."),
    ("sortOrder", {"enum": ["ascending", "descending"]}, "Checked and ignored."),
)
_PROJECTION = (
    ("attributes", _STRING, "Only these attributes, separated by commas."),
    ("excludedAttributes", _STRING, "All but these attributes, separated by commas."),
)


def document(base_url: str) -> Json:
    """The OpenAPI 3.1 document of the service under ``base_url``.

    >>> users = document("http://localhost:8080")["paths"]["/scim/v2/Users/{id}"]
    >>> sorted(users), sorted(users["delete"]["responses"])[:2]
    (['delete', 'get', 'parameters', 'patch', 'put'], ['204', '400'])
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "rosterd", "version": __version__, "summary": "SCIM as Slack speaks it."},
        "servers": [{"url": base_url}],
        "security": [{"token": []}],
        "paths": {
            _template(route, dialect): _path_item(route, dialect)
            for dialect in VERSIONS.values()
            for route in ROUTES
            if dialect.name in route.versions
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                name: schema for dialect in VERSIONS.values() for name, schema in named_schemas(dialect)
            },
            "responses": {
                f"{dialect.name}_{status}": _error_response(dialect, status)
                for dialect in VERSIONS.values()
                for status in _ERRORS
            },
        },
    }


def _template(route: Route, dialect: Dialect) -> str:
    steps = ("{id}" if step == "*" else step for step in route.path)
    return "/".join(("", "scim", dialect.name, *steps))


def _path_item(route: Route, dialect: Dialect) -> Json:
    item: Json = {
        method.lower(): _operation(route, dialect, method, handler)
        for method, handler in route.handlers.items()
    }
    if "*" in route.path:
        item["parameters"] = [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        ]
    return item


def _operation(route: Route, dialect: Dialect, method: str, handler: Handler) -> Json:
    name = getattr(handler, "__name__", method)
    status, schema = _success(route, dialect, method)
    body = _request_schema(route, dialect, method)
    failures = _OF_BODIES if body else _OF_EVERY_CALL
    responses: Json = {str(status): _response("Done.", schema)}
    responses |= {str(code): _ref("responses", f"{dialect.name}_{code}") for code in failures}
    drawn: Json = {
        "operationId": f"{dialect.name}_{name}_{route.path[0]}",
        "summary": name.replace("_", " ").capitalize() + ".",
        "tags": [dialect.name],
        "parameters": list(_parameters(route, method)),
        "responses": responses,
    }
    if body:
        drawn["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return drawn | ({"security": []} if route.public else {})


def _parameters(route: Route, method: str) -> Iterator[Json]:
    if not _is_resource(route) or method == "DELETE":
        return
    paging = _PAGING if method == "GET" and len(route.path) == 1 else ()
    for name, schema, description in (*paging, *_PROJECTION):
        yield {"name": name, "in": "query", "description": description, "schema": schema}


def _is_resource(route: Route) -> bool:
    return route.path[0] in ("Users", "Groups")


def _success(route: Route, dialect: Dialect, method: str) -> tuple[int, Json | None]:
    """Status and schema of an answer that is no error; without a schema it has no body."""
    noun = route.path[0].removesuffix("s")
    if not _is_resource(route):
        return 200, {"type": "object"}
    if method == "GET":
        return 200, _schema_ref(noun if "*" in route.path else f"{noun}List", dialect)
    kind = noun.lower()
    status = {
        "POST": dialect.statuses.create,
        "PUT": dialect.statuses.replace,
        "PATCH": getattr(dialect.statuses, f"patch_{kind}"),
        "DELETE": getattr(dialect.statuses, f"delete_{kind}"),
    }[method]
    has_body = method != "DELETE" and status != 204
    return status, _schema_ref(noun, dialect) if has_body else None


def _request_schema(route: Route, dialect: Dialect, method: str) -> Json | None:
    use = {"POST": "Create", "PUT": "Replace", "PATCH": "Patch"}.get(method)
    if use is None:
        return None
    schema = _schema_ref(f"{route.path[0].removesuffix('s')}{use}", dialect)
    if use == "Patch" and dialect.patch_urn is not None:
        return {"anyOf": [_schema_ref("PatchOp", dialect), schema]}
    return schema


def _schema_ref(name: str, dialect: Dialect) -> Json:
    return _ref("schemas", f"{name}_{dialect.name}")


def _ref(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


def _response(description: str, schema: Json | None) -> Json:
    if schema is None:
        return {"description": description}
    return {"description": description, "content": {CONTENT_TYPE.decode(): {"schema": schema}}}


def _error_response(dialect: Dialect, status: int) -> Json:
    description, header = _ERRORS[status]
    headers = {"headers": {header: {"schema": {"type": "string"}}}} if header else {}
    return _response(description, error_schema(dialect, status)) | headers
