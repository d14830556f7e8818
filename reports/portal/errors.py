"""How the portal says no: a problem document (RFC 9457) to machines, a page to people, to both what to do."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

API = "/api/"
PROBLEM = "application/problem+json"

# Status -> title and what to do, for people.
FOR_PEOPLE = {
    400: ("Permintaan tidak dapat dibaca", "Periksa kembali alamat atau isian Anda."),
    401: ("Anda belum masuk", "Masuklah lebih dahulu."),
    403: ("Anda tidak berwenang membuka halaman ini", "Mintalah hak akses kepada admin instansi Anda."),
    404: ("Halaman tidak ditemukan", "Periksa kembali alamatnya, atau mulailah dari halaman depan."),
    405: ("Cara ini tidak dilayani", "Kembalilah ke halaman sebelumnya."),
    413: ("Permintaan terlalu besar", "Kirimlah lebih sedikit."),
    429: ("Terlalu banyak permintaan", "Tunggu sebentar, lalu coba lagi."),
    500: ("Terjadi kesalahan di portal", "Coba lagi; bila berulang, beri tahu pengelola gudang data."),
    503: ("Portal sedang tidak dapat menjawab", "Coba lagi beberapa menit lagi."),
}


class Refused(Exception):
    """A request that is answered with `status`; detail: what was wrong, where, and what to do."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def answer(request: Request, status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that is refused; `detail` takes the place of the usual words.

    A page of the portal, if the request came as far as a session, which such a page shows; else the words alone.
    """
    if request.url.path.startswith(API):
        title = HTTPStatus(status).phrase
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail or f"{title}."}
        return JSONResponse(body, status, headers, media_type=PROBLEM)
    title, usual = FOR_PEOPLE.get(status, (HTTPStatus(status).phrase, ""))
    page = getattr(request.app.state, "error_page", None) if "session" in request.scope else None
    response: Response = (
        page(request, status, title, detail or usual)
        if page
        else PlainTextResponse(f"{title}. {detail or usual}\n", status)
    )
    response.headers.update(headers or {})
    return response
