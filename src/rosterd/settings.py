"""The settings of ``rosterd serve``: one frozen value, from flags, environment and a TOML file.

The first that names a setting wins: the command line, then ``ROSTERD_…`` in the environment, then
the file of ``--config``, then the default. This is the only module that reads the environment.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

PREFIX = "ROSTERD_"
DEFAULT_DATABASE = "sqlite:///rosterd.db"


class SettingsError(Exception):
    """A setting that cannot be; the text says which and why."""


def _option(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    host: str = _option("127.0.0.1", "Address to listen on.")
    port: int = _option(8080, "Port to listen on; 0 picks a free one.")
    database: str = _option(
        DEFAULT_DATABASE, "Where the directory is kept: sqlite:///FILE or postgresql://USER@HOST/NAME."
    )
    base_url: str = _option(
        "", "URL under which clients reach the server, for links in answers; by default http://HOST:PORT."
    )
    demo: bool = _option(False, "Fill an empty database with a demo organisation and print a token for it.")
    ephemeral: bool = _option(False, "Use a throw-away database that is gone at exit.")
    rate_limits: Literal["slack", "off"] = _option(
        "off", "Only off for now; slack, which refuses what Slack's rate limits refuse, is to come."
    )


def environment(name: str) -> str | None:
    """``ROSTERD_<name>`` from the environment; an empty one counts as absent."""
    return os.environ.get(PREFIX + name.upper()) or None


def load(flags: Mapping[str, Any], config: str | None = None) -> Settings:
    """The settings that these flags (None: not given) lead to. Raises `SettingsError`."""
    path = config or environment("config")
    from_file = _from_toml(path)
    values: dict[str, Any] = {}
    for option in fields(Settings):
        sources = (flags.get(option.name), environment(option.name), from_file.pop(option.name, None))
        given = next((source for source in sources if source is not None), None)
        if given is not None:
            values[option.name] = _typed(option.name, option.default, given)
    if from_file:
        raise SettingsError(f"{path}: no such setting: {', '.join(sorted(from_file))}")
    return _checked(Settings(**values))


def _checked(settings: Settings) -> Settings:
    if settings.rate_limits not in ("slack", "off"):
        raise SettingsError(f"rate_limits: {settings.rate_limits!r} is neither slack nor off")
    if settings.rate_limits == "slack":
        raise SettingsError("rate_limits: slack is not available yet; use off")
    if not 0 <= settings.port <= 65535:
        raise SettingsError(f"port: {settings.port} is not between 0 and 65535")
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        raise SettingsError(f"base_url: {settings.base_url!r} does not start with http:// or https://")
    return settings


def _from_toml(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return {
            name.replace("-", "_"): value for name, value in tomllib.loads(Path(path).read_text()).items()
        }
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"cannot read {path}: {reason}") from error


_FLAGS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def _typed(name: str, default: Any, given: Any) -> Any:
    if isinstance(given, type(default)) and isinstance(given, bool) == isinstance(default, bool):
        return given
    text = str(given)
    if isinstance(default, bool) and text.lower() in _FLAGS:
        return _FLAGS[text.lower()]
    if isinstance(default, int) and not isinstance(default, bool) and re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    kind = {bool: "true or false", int: "a number", str: "a text"}[type(default)]
    raise SettingsError(f"{name}: {text!r} is not {kind}")


def token_key(database: str) -> bytes:
    """The key of the token hashes: ``ROSTERD_SECRET``, else the file beside a SQLite database.

    The file is made at first use, readable by its owner only. On PostgreSQL the variable is
    required. Raises `SettingsError`.
    """
    if (secret := environment("secret")) is not None:
        if len(secret) < 16:
            raise SettingsError("ROSTERD_SECRET: at least 16 characters are needed")
        return secret.encode()
    if not database.startswith("sqlite:///"):
        raise SettingsError("ROSTERD_SECRET: must be set with PostgreSQL; it is the key of the token hashes")
    path = Path(database.removeprefix("sqlite:///") + ".secret")
    try:
        return _made_once(path)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


def _made_once(path: Path) -> bytes:
    """The content of a key file, made with 0600 if it is not there. Safe against a second process."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_hex(32).encode())
                file.flush()
                os.fsync(file.fileno())
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path}: others may read it; chmod 600 it, or make a new one and new tokens")
    key = path.read_bytes().strip()
    if len(key) < 16:
        raise SettingsError(f"{path}: too short to be a key")
    return key
