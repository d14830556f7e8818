"""HTML files that stand alone: rendered from `templates/`, replaced whole, and asking nobody for anything.

Every page carries its style and a policy (`OFFLINE`) by which a browser refuses to load whatever a later change might
point to elsewhere: there is no script, no font, no picture from outside.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
SIMULATED = "DATA SIMULASI, bukan kinerja sebenarnya"
OFFLINE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render(template: str, **values: object) -> str:
    """The template of that name with these values, escaped. Raises jinja2.UndefinedError if one is missing."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment.get_template(template).render(offline=OFFLINE, **values)


def replace_file(path: Path, text: str) -> None:
    """Write the file beside its place and move it there: whoever reads it sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
