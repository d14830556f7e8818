"""A spreadsheet saved by LibreOffice: ODS, which is a few XML files in a zip."""

import io
import zipfile
from datetime import datetime
from xml.sax.saxutils import escape

MIME_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
# A zip entry has a time; the same content is the same file.
ENTRY_TIME = (2021, 1, 1, 0, 0, 0)
NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (("office", "office"), ("table", "table"), ("text", "text"))
)
MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIME_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)

Cell = str | int | float | datetime | None


def ods_bytes(sheets: dict[str, list[list[Cell]]]) -> bytes:
    """A workbook of these sheets, each a list of rows."""
    tables = "".join(
        f'<table:table table:name="{escape(name)}">{"".join(map(_row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-content {NAMESPACES} office:version="1.2">'
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # The type comes first and uncompressed: that is how a reader knows an ODS.
        archive.writestr(zipfile.ZipInfo("mimetype", ENTRY_TIME), MIME_TYPE)
        for name, text in (("META-INF/manifest.xml", MANIFEST), ("content.xml", content)):
            archive.writestr(zipfile.ZipInfo(name, ENTRY_TIME), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _row(cells: list[Cell]) -> str:
    return f"<table:table-row>{''.join(map(_cell, cells))}</table:table-row>"


def _cell(value: Cell) -> str:
    match value:
        case None | "":
            return "<table:table-cell/>"
        case datetime():
            moment = value.isoformat(timespec="seconds")
            return f'<table:table-cell office:value-type="date" office:date-value="{moment}"/>'
        case int() | float():
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    text = f"<text:p>{escape(value)}</text:p>"
    return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'
