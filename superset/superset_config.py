"""Superset beside the warehouse: secrets from the environment, nothing for who has not signed in, no other host.

Read by Superset itself (SUPERSET_CONFIG_PATH). What it may see of the warehouse is decided by PostgreSQL: one
connection, under a login that is a member of one reader's role and of no other. Superset's own roles decide who opens
which dashboard, and are no boundary between readers of different rights: those get a Superset of their own.
"""

import os
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.engine.url import URL


def _needed(name: str, what: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise RuntimeError(f"{name} is missing: {what}. See superset/README.md")
    return value


SECRET_KEY = _needed("SUPERSET_SECRET_KEY", "it signs sessions and seals stored passwords (openssl rand -base64 42)")
# Users and dashboards: SQLite in SUPERSET_HOME for one machine, a PostgreSQL database of its own for more.
SQLALCHEMY_DATABASE_URI = os.environ.get(
    "SUPERSET_METADATA_URI",
    f"sqlite:///{os.environ.get('SUPERSET_HOME', os.path.expanduser('~/.superset'))}/superset.db",  # noqa: PTH111 - as Superset finds it
)
WAREHOUSE = make_url(
    _needed(
        "SUPERSET_WAREHOUSE_URI",
        "where the warehouse is and who Superset is there: postgresql+psycopg2://login:password@host:5432/lapor",
    )
)
IN_THE_BUNDLE = "warehouse.invalid"  # dashboards/databases/: the address stands in no file and in no table


def DB_CONNECTION_MUTATOR(  # noqa: N802 - Superset's name
    uri: URL, params: dict[str, Any], username: str | None, security_manager: Any, source: Any
) -> tuple[URL, dict[str, Any]]:
    """The warehouse's address in the place of the bundle's; every session reads only and says who it is."""
    if uri.host != IN_THE_BUNDLE:
        return uri, params
    facts = {
        "application_name": "superset",
        "options": f"{WAREHOUSE.query.get('options', '')} -c default_transaction_read_only=on -c statement_timeout=60s",
    }
    arguments = {**params.get("connect_args", {}), **facts}
    return WAREHOUSE.difference_update_query(["options"]), {**params, "connect_args": arguments}


# Nobody who has not signed in sees anything, and nobody makes an account for himself.
AUTH_ROLE_PUBLIC = "Public"
PUBLIC_ROLE_LIKE = None
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
FEATURE_FLAGS = {"EMBEDDED_SUPERSET": False, "ENABLE_TEMPLATE_PROCESSING": False, "ALERT_REPORTS": False}
SQLLAB_CTAS_NO_LIMIT = False
ROW_LIMIT, SQL_MAX_ROW = 10_000, 50_000

IS_HTTPS = os.environ.get("SUPERSET_HTTPS", "yes") == "yes"
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
PERMANENT_SESSION_LIFETIME = 8 * 3600
ENABLE_PROXY_FIX = IS_HTTPS  # a proxy with TLS stands before it

# Scripts from here alone and each named by a nonce; styles are set by the charts, so they may stand in the page.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": IS_HTTPS,
    "session_cookie_secure": IS_HTTPS,
}

RATELIMIT_ENABLED = True
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "10 per 20 second"

# As Indonesians write numbers and dates.
D3_FORMAT = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["Rp", ""]}
D3_TIME_FORMAT = {
    "dateTime": "%d/%m/%Y %H.%M",
    "date": "%d/%m/%Y",
    "time": "%H.%M",
    "periods": ["AM", "PM"],
    "days": ["Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu"],
    "shortDays": ["Min", "Sen", "Sel", "Rab", "Kam", "Jum", "Sab"],
    "months": [
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
        "Desember",
    ],
    "shortMonths": ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"],
}  # fmt: skip
