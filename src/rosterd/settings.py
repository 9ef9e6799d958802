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
from urllib.parse import urlsplit

from rosterd.delivery.config import Delivery, server_of
from rosterd.directory.errors import Invalid
from rosterd.directory.names import email_address
from rosterd.ratelimit.table import BadTable, Table, parse
from rosterd.web.throttle.asking import SCHEMES

PREFIX = "ROSTERD_"
DEFAULT_DATABASE = "sqlite:///rosterd.db"
MAX_WORKERS = 256

CHOICES = {
    "rate_limits": ("slack", "off"),
    "metrics": ("local", "all", "off"),
    "delivery": ("on", "off"),
    "log_format": ("text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}
"""Settings that are one of a few words."""


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
        "off",
        "slack: answer 429 where Slack does, for too many requests and for a second write to one user or "
        "group; off: neither.",
    )
    limits_table: str = _option(
        "",
        "TOML file that changes limits, [limits.NAME] for all and [orgs.DOMAIN_OR_ID.NAME] for one: "
        "per_minute, burst; locks = false lifts the refusal of second writes.",
    )
    limits_url: str = _option(
        "",
        "Valkey or Redis, valkey://HOST:PORT, where all workers and nodes count limits and lock together. "
        "While it does not answer, each counts by itself.",
    )
    workers: int = _option(1, "Processes that serve; with rate limits they need --limits-url.")
    metrics: Literal["local", "all", "off"] = _option(
        "local", "Who gets /metrics: local (programs on this machine, without a proxy), all, or off."
    )
    delivery: Literal["on", "off"] = _option(
        "on", "off: mails and webhooks wait in the outbox, for a rehearsal or because others deliver."
    )
    smtp_url: str = _option(
        "",
        "Server that takes mails, smtp://USER:PASSWORD@HOST:PORT or smtps://…; ?starttls= is always, auto or "
        "never. By default mails become files in --mail-dir.",
    )
    mail_from: str = _option("", "Address that mails come from; by default rosterd@ the host of --base-url.")
    mail_dir: str = _option("rosterd-mail", "Directory for mails, ID.eml, while there is no --smtp-url.")
    allow_private_webhooks: bool = _option(
        False, "Let webhooks lead to this machine and its network, and not only to the Internet."
    )
    delivery_seconds: int = _option(
        60,
        "How long one attempt to deliver may take. After a crash the next comes when twice that has passed.",
    )
    retry_seconds: int = _option(
        10, "How long to wait after a first failed delivery; then twice as long each time, up to six hours."
    )
    log_format: Literal["text", "json"] = _option(
        "text", "Lines on stderr: text, or json, one object a line."
    )
    log_level: str = _option("info", "The least that is logged: debug, info, warning or error.")
    access_log: bool = _option(False, "Log every request, and not only those that are refused.")
    shutdown_seconds: int = _option(
        30,
        "After SIGTERM or SIGINT, how long requests in progress may take; a second signal ends them at once.",
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
    for name, choices in CHOICES.items():
        if (value := getattr(settings, name)) not in choices:
            raise SettingsError(f"{name}: {value!r} is not one of: {', '.join(choices)}")
    _check_limits(settings)
    if not 0 <= settings.shutdown_seconds <= 3600:
        raise SettingsError(f"shutdown_seconds: {settings.shutdown_seconds} is not between 0 and 3600")
    if not 0 <= settings.port <= 65535:
        raise SettingsError(f"port: {settings.port} is not between 0 and 65535")
    for name, most in (("delivery_seconds", 600), ("retry_seconds", 3600)):
        if not 1 <= (seconds := getattr(settings, name)) <= most:
            raise SettingsError(f"{name}: {seconds} is not between 1 and {most}")
    delivery(settings)
    if settings.base_url and not settings.base_url.startswith(("http://", "https://")):
        raise SettingsError(f"base_url: {settings.base_url!r} does not start with http:// or https://")
    return settings


def _check_limits(settings: Settings) -> None:
    if not 1 <= settings.workers <= MAX_WORKERS:
        raise SettingsError(f"workers: {settings.workers} is not between 1 and {MAX_WORKERS}")
    schemes = tuple(f"{scheme}://" for scheme in SCHEMES)
    if settings.limits_url and not settings.limits_url.startswith(schemes):
        raise SettingsError(f"limits_url: it does not start with {' or '.join(schemes)}")
    for name in ("limits_table", "limits_url"):
        if getattr(settings, name) and settings.rate_limits == "off":
            raise SettingsError(f"{name}: nothing is limited; set rate_limits to slack")
    count = settings.workers
    if settings.rate_limits == "slack" and count > 1 and not settings.limits_url:
        raise SettingsError(
            f"workers: {count} workers that count by themselves would allow {count} times the limits; "
            "set limits_url, or rate_limits to off"
        )
    limits(settings)


def limits(settings: Settings) -> Table | None:
    """The rate limits that these settings lead to; None: there are none. Raises `SettingsError`."""
    if settings.rate_limits == "off":
        return None
    path = settings.limits_table
    try:
        return parse(_read_toml(path)) if path else parse({})
    except BadTable as error:
        raise SettingsError(f"{path}: {error}") from error


def delivery(settings: Settings) -> Delivery:
    """How these settings have things delivered. Raises `SettingsError`."""
    try:
        server = server_of(settings.smtp_url) if settings.smtp_url else None
    except ValueError as error:
        raise SettingsError(f"smtp_url: {error}") from error
    host = urlsplit(settings.base_url).hostname or ""
    is_name = "." in host and not host[-1].isdigit() and ":" not in host
    try:
        sender = email_address(settings.mail_from or f"rosterd@{host if is_name else 'localhost'}")
    except Invalid:
        raise SettingsError(f"mail_from: {settings.mail_from!r} is no e-mail address") from None
    return Delivery(
        base_url=settings.base_url,
        server=server,
        sender=sender,
        mail_dir=Path(settings.mail_dir),
        sends=settings.delivery == "on",
        attempt=settings.delivery_seconds,
        first_wait=settings.retry_seconds,
        allow_private=settings.allow_private_webhooks,
    )


def wants_traces() -> bool:
    """Whether OpenTelemetry's own variables ask for traces to be sent somewhere.

    Source: OpenTelemetry specification, *Environment Variable Specification* and *Exporter*.
    """
    read = os.environ.get
    if read("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if (exporter := read("OTEL_TRACES_EXPORTER", "").strip().lower()) in ("otlp", "none"):
        return exporter == "otlp"
    return bool(read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or read("OTEL_EXPORTER_OTLP_ENDPOINT"))


def _from_toml(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    return {name.replace("-", "_"): value for name, value in _read_toml(path).items()}


def _read_toml(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text())
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


def key_file(database: str) -> Path | None:
    """Where the key of the token hashes is, or has to be; None: in ``ROSTERD_SECRET``."""
    if environment("secret") is not None or not database.startswith("sqlite:///"):
        return None
    return Path(database.removeprefix("sqlite:///") + ".secret")


def token_key(database: str) -> bytes:
    """The key of the token hashes: ``ROSTERD_SECRET``, else the file beside a SQLite database.

    The file is made at first use, readable by its owner only. On PostgreSQL the variable is
    required. Raises `SettingsError`.
    """
    if (secret := environment("secret")) is not None:
        if len(secret) < 16:
            raise SettingsError("ROSTERD_SECRET: at least 16 characters are needed")
        return secret.encode()
    path = key_file(database)
    if path is None:
        if not database.startswith(("postgresql://", "postgres://")):
            raise SettingsError("database: the URL must begin with sqlite:/// or postgresql://")
        raise SettingsError("ROSTERD_SECRET: must be set with PostgreSQL; it is the key of the token hashes")
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
