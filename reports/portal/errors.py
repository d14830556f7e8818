"""How the portal says no: a problem document (RFC 9457) to machines, a page to people, to both what to do."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from reports.portal.words import Speech, Words, language_of

API = "/api/"
PROBLEM = "application/problem+json"

# Status -> title and what to do, for people.
FOR_PEOPLE: dict[int, tuple[Words, Words]] = {
    400: (
        ("Permintaan tidak dapat dibaca", "The request cannot be read"),
        ("Periksa kembali alamat atau isian Anda.", "Check the address or what you filled in."),
    ),
    401: (("Anda belum masuk", "You are not signed in"), ("Masuklah lebih dahulu.", "Sign in first.")),
    403: (
        ("Anda tidak berwenang membuka halaman ini", "You may not open this page"),
        ("Mintalah hak akses kepada admin instansi Anda.", "Ask your agency's administrator for access."),
    ),
    404: (
        ("Halaman tidak ditemukan", "Page not found"),
        (
            "Periksa kembali alamatnya, atau mulailah dari halaman depan.",
            "Check the address, or begin at the front page.",
        ),
    ),
    405: (
        ("Cara ini tidak dilayani", "This way of asking is not served"),
        ("Kembalilah ke halaman sebelumnya.", "Go back to the page before."),
    ),
    413: (("Permintaan terlalu besar", "The request is too large"), ("Kirimlah lebih sedikit.", "Send less.")),
    422: (
        ("Isian tidak dapat dipakai", "What you filled in cannot be used"),
        ("Periksa kembali isian atau alamatnya.", "Check what you filled in, or the address."),
    ),
    429: (
        ("Terlalu banyak permintaan", "Too many requests"),
        ("Tunggu sebentar, lalu coba lagi.", "Wait a moment, then try again."),
    ),
    500: (
        ("Terjadi kesalahan di portal", "Something went wrong in the portal"),
        (
            "Coba lagi; bila berulang, beri tahu pengelola gudang data.",
            "Try again; if it happens again, tell whoever runs the warehouse.",
        ),
    ),
    503: (
        ("Portal sedang tidak dapat menjawab", "The portal cannot answer at present"),
        ("Coba lagi beberapa menit lagi.", "Try again in a few minutes."),
    ),
}
OTHERWISE = (
    ("Permintaan tidak dapat dilayani", "The request cannot be served"),
    ("Mulailah lagi dari halaman depan.", "Begin again at the front page."),
)


class Refused(Exception):
    """A request that is answered with `status`; detail: what was wrong, where, and what to do.

    In both languages where a person may meet it; in English alone it is for machines, and a page says the usual words.
    heading: of a page, instead of the status' own.
    """

    def __init__(
        self,
        status: int,
        detail: str | Words,
        headers: Mapping[str, str] | None = None,
        heading: Words | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.heading = status, detail, headers, heading


def answer(
    request: Request,
    status: int,
    detail: str | Words = "",
    headers: Mapping[str, str] | None = None,
    heading: Words | None = None,
) -> Response:
    """The answer to a request that is refused; `detail` and `heading` replace the usual words, as Refused says.

    A page of the portal, if the request came as far as a session, which such a page shows; else the words alone.
    """
    if request.url.path.startswith(API):
        title, said = HTTPStatus(status).phrase, detail if isinstance(detail, str) else detail[1]
        body = {"type": "about:blank", "title": title, "status": status, "detail": said or f"{title}."}
        return JSONResponse(body, status, headers, media_type=PROBLEM)
    say = Speech(language_of(request)).say
    title_of_status, usual = FOR_PEOPLE.get(status, OTHERWISE)
    told, reason = say(*(heading or title_of_status)), say(*(usual if isinstance(detail, str) else detail))
    page = getattr(request.app.state, "error_page", None) if "session" in request.scope else None
    response: Response = (
        page(request, status, told, reason) if page else PlainTextResponse(f"{told}. {reason}\n", status)
    )
    response.headers.update(headers or {})
    return response
