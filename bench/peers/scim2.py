"""scim2-server's own memory storage, its ASGI application, and uvicorn as rosterd has it.

``python scim2.py BODIES COUNT MEMBERS TOKEN ROWS``, in the environment of the peers, makes COUNT people from
the bodies, and a group of the first MEMBERS of them; writes "id username" of each person to ROWS, in lines of
one length; prints the group's id and its URL once it listens.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
from itertools import cycle, islice
from pathlib import Path

import uvicorn
from scim2_models import UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication  # type: ignore[import-not-found]  # the peers' only
from scim2_server.memory import AsyncInMemoryStorage, InMemoryStorage  # type: ignore[import-not-found]
from scim2_server.requests import ScimRequest  # type: ignore[import-not-found]
from scim2_server.utils import load_default_provider  # type: ignore[import-not-found]


class Application(ASGIApplication):  # type: ignore[misc]  # how the library wants it
    """The library's, for those who have the token."""

    token = ""

    def check_auth(self, request: ScimRequest) -> None:
        if request.header("Authorization") != f"Bearer {self.token}":
            raise UnauthorizedException


def main(bodies: str, count: int, members: int, token: str, rows: str) -> None:
    logging.disable()
    provider = load_default_provider()
    storage = InMemoryStorage()
    types = {each.name: each for each in provider.resource_types}
    models = {name: provider.model_for(each) for name, each in types.items()}
    ids = []
    with open(rows, "w") as file:
        for number, body in enumerate(islice(cycle(Path(bodies).read_text().splitlines()), count)):
            user = models["User"].model_validate(json.loads(body.replace("@@", f"u{number}")))
            ids.append(storage.create(types["User"], user).id)
            file.write(f"{ids[-1]} {user.user_name}".ljust(63) + "\n")
    everybody = {"displayName": "All", "members": [{"value": id, "type": "User"} for id in ids[:members]]}
    group = storage.create(types["Group"], models["Group"].model_validate(everybody))
    application = Application(AsyncInMemoryStorage(storage), provider)
    application.token = token
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"{group.id} http://127.0.0.1:{listener.getsockname()[1]}/v2", flush=True)
    config = uvicorn.Config(application, loop="uvloop", http="httptools", ws="none", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
