"""The application: its middlewares from the outside in, its routes, and what each failure is answered with.

Every answer passes the secure headers and the request log, also refusals and errors. No page, script, style or font
comes from another host; FastAPI's own documentation pages, which would, are switched off.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio.to_thread
import psycopg2
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from reports.portal import api, database, pages, sign_in
from reports.portal.database import DatabaseBusy
from reports.portal.errors import Refused, answer
from reports.portal.headers import HeadAsGet, RequestBounds, SecureHeaders
from reports.portal.limits import AddressLimit, TooManyRequests
from reports.portal.log import RequestLog
from reports.portal.settings import portal_settings
from reports.portal.sign_in import SignInNeeded
from reports.portal.tokens import ProviderUnavailable

SPARE_THREADS = 2  # for files, sign-ins and refusals, which need no connection


def create_app() -> FastAPI:
    """The portal, ready for an ASGI server; the warehouse and the provider are asked when first needed."""
    rules = portal_settings()
    app = FastAPI(
        title="SP4N-LAPOR! warehouse: pull API",
        version="1",
        summary="Reports by body and period, and the published marts a reader may see.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        dependencies=[Depends(sign_in.guard)],
        lifespan=_lifespan,
        # Requests are told by our own log alone, which knows what not to say; and this costs a fifth of a request.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.error_page = pages.error_page
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        SessionMiddleware,
        secret_key=sign_in.session_key(),
        session_cookie="__Host-lapor" if rules.is_https else "lapor",
        max_age=rules.session_seconds,
        same_site="lax",
        https_only=rules.is_https,
    )
    app.add_middleware(RequestBounds, limit=rules.body_bytes)
    app.add_middleware(AddressLimit, rule=rules.address_limit)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[str(urlsplit(rules.url).hostname)], www_redirect=False)
    app.add_middleware(RequestLog)
    app.add_middleware(SecureHeaders, https=rules.is_https)
    app.include_router(sign_in.router)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.add_api_route("/sehat", health, methods=["GET"], include_in_schema=False)
    _answer_failures(app)
    return app


def health() -> JSONResponse:
    """200 when the warehouse answers the portal's login, else 503: for a load balancer, says nothing else."""
    well = database.answers()
    return JSONResponse({"status": "ok" if well else "warehouse does not answer"}, 200 if well else 503)


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    # More threads would only wait for one another: with twelve, twenty readers got 256 answers a second, with five 370.
    anyio.to_thread.current_default_thread_limiter().total_tokens = portal_settings().connections + SPARE_THREADS
    yield
    database.close()


def _answer_failures(app: FastAPI) -> None:
    """One answer for each failure that is foreseen; what is not foreseen is RequestLog's."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        return answer(request, error.status, error.detail, error.headers, error.heading)

    @app.exception_handler(SignInNeeded)
    def sign_in_needed(request: Request, _: SignInNeeded) -> Response:
        return RedirectResponse(sign_in.landing(request), 303)

    @app.exception_handler(TooManyRequests)
    def too_many(request: Request, error: TooManyRequests) -> Response:
        return answer(request, 429, str(error), {"Retry-After": str(error.retry_after)})

    @app.exception_handler(DatabaseBusy)
    @app.exception_handler(ProviderUnavailable)
    @app.exception_handler(psycopg2.errors.QueryCanceled)
    def unavailable(request: Request, _: Exception) -> Response:
        return answer(request, 503, headers={"Retry-After": "30"})

    @app.exception_handler(pages.NotForThisRole)
    @app.exception_handler(psycopg2.errors.InsufficientPrivilege)
    def forbidden(request: Request, _: Exception) -> Response:
        return answer(request, 403)

    @app.exception_handler(pages.NoSuchThing)
    def not_there(request: Request, _: Exception) -> Response:
        return answer(request, 404)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        where = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5])
        return answer(request, 422, where)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, headers=error.headers)
