"""What lets somebody in: tokens, apps, sessions, links, the identity provider."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, UniqueConstraint

from rosterd.store.tables.columns import flag, metadata, number, text_column

# Tokens, found by the keyed hash of their secret, which is nowhere.
tokens = Table(
    "tokens",
    metadata,
    text_column("hash"),
    text_column("id"),
    text_column("org_id"),
    text_column("user_id"),
    text_column("scopes"),  # JSON list
    text_column("team_id", null=True),  # NULL: installed on the organisation
    text_column("allow_ips"),  # JSON list of CIDR ranges; empty: from anywhere
    number("created"),
    number("expires", null=True),
    number("last_used", null=True),
    number("revoked", null=True),
    text_column("app_id", null=True),  # of the app that was installed; NULL: made by somebody here
    text_column("name"),  # what it is for, as people call it; '': nobody has said
    text_column("replaced_by", null=True),  # the id of the token that took its place; NULL: none has
    PrimaryKeyConstraint("hash", name="tokens_pk"),
    UniqueConstraint("org_id", "id", name="tokens_id"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="tokens_user"),
    Index("tokens_by_user", "org_id", "user_id"),
)

# Apps that may be installed. The client id routes.
apps = Table(
    "apps",
    metadata,
    text_column("client_id"),
    text_column("org_id"),
    text_column("id"),  # A…
    text_column("name"),
    text_column("secret_hash"),  # keyed, as of tokens
    text_column("redirect_uris"),  # JSON list
    text_column("scopes"),  # JSON list: what it may ask for
    number("created"),
    number("revoked", null=True),  # seconds
    PrimaryKeyConstraint("client_id", name="apps_pk"),
    UniqueConstraint("org_id", "id", name="apps_id"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="apps_org"),
)

# Codes of the OAuth flow, between consent and token.
oauth_codes = Table(
    "oauth_codes",
    metadata,
    text_column("hash"),
    text_column("org_id"),
    text_column("client_id"),
    text_column("user_id"),
    text_column("team_id", null=True),  # NULL: the organisation
    text_column("scopes"),  # JSON list
    text_column("redirect_uri"),
    text_column("challenge", null=True),  # of PKCE, S256
    number("expires"),  # seconds
    text_column("token_id", null=True),  # what it was changed into: a second try ends it
    PrimaryKeyConstraint("hash", name="oauth_codes_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="oauth_codes_user"),
    Index("oauth_codes_by_expiry", "org_id", "expires"),
)

# Who is signed in.
sessions = Table(
    "sessions",
    metadata,
    text_column("hash"),
    text_column("org_id"),
    text_column("id"),
    text_column("user_id"),
    text_column("means"),  # oidc, link or local
    text_column("client"),
    text_column("ip_address", null=True),
    number("created"),
    number("last_used"),  # seconds
    number("expires"),  # seconds
    number("ended", null=True),  # seconds
    number("proved", null=True),  # seconds: when they showed who they are; NULL: unknown
    PrimaryKeyConstraint("hash", name="sessions_pk"),
    UniqueConstraint("org_id", "id", name="sessions_id"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="sessions_user"),
    Index("sessions_by_user", "org_id", "user_id"),
)

# Links by which somebody may sign in once.
signin_links = Table(
    "signin_links",
    metadata,
    text_column("hash"),
    text_column("org_id"),
    text_column("user_id"),
    number("created"),
    number("expires"),  # seconds
    number("used", null=True),  # seconds
    PrimaryKeyConstraint("hash", name="signin_links_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="signin_links_user"),
    Index("signin_links_by_user", "org_id", "user_id"),
)

# The identity provider of an organisation, at which its members sign in.
idps = Table(
    "idps",
    metadata,
    text_column("org_id"),
    text_column("issuer"),
    text_column("client_id"),
    text_column("client_secret"),
    flag("accepts_unverified"),  # an address that the provider does not call verified will do
    number("created"),
    PrimaryKeyConstraint("org_id", name="idps_pk"),
    ForeignKeyConstraint(["org_id"], ["orgs.id"], name="idps_org"),
)

# Passwords of local administrators, who get in when nothing else lets anybody in.
passwords = Table(
    "passwords",
    metadata,
    text_column("org_id"),
    text_column("user_id"),
    text_column("hash"),  # Argon2id, with its salt and parameters
    number("created"),
    PrimaryKeyConstraint("org_id", "user_id", name="passwords_pk"),
    ForeignKeyConstraint(["org_id", "user_id"], ["users.org_id", "users.id"], name="passwords_user"),
)
