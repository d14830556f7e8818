"""python -m extract profile-reference

Every key of a profile, written from the schema itself: the text of docs/profile-reference.md.
"""

import inspect
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from extract.profile import Profile
from extract.profile_tools.vocabulary import codes
from extract.records import COLUMNS, TABLE_OF_RESOURCE

_HEAD = """# Keys of a profile

A profile says in YAML how one source system speaks; `extract/profiles/` has one file for each. This page is written by
`python -m extract profile-reference`; a test keeps it current. Begin with a draft and a check, not with an empty file:

```
python -m extract draft-profile SAMPLE --output extract/profiles/NAME.yml
python -m extract check-profile extract/profiles/NAME.yml --sample SAMPLE
```
"""


def reference() -> str:
    """The page in Markdown."""
    lines = [_HEAD]
    for model, place in _models(Profile, ""):
        lines += [f"## {place or 'The file'}", "", inspect.cleandoc(model.__doc__ or ""), ""]
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        for name, info in model.model_fields.items():
            if model is Profile and name == "name":
                continue
            cells = (f"`{info.alias or name}`", _kind(info.annotation), _default(info), _meaning(info))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    lines += ["## Columns and codes", "", "What `fields` and `events.fields` may name, by resource:", ""]
    lines += [f"- **{resource}**: {_listed(COLUMNS[table])}" for resource, table in TABLE_OF_RESOURCE.items()]
    lines += [
        f"- **events of complaints**: {_listed(COLUMNS['complaint_events'])}",
        "",
        "What `words` may stand for:",
        "",
    ]
    lines += [f"- **{column}**: {_listed(known)}" for column, known in codes().items()]
    return "\n".join(lines) + "\n"


def undescribed() -> list[str]:
    """Keys whose meaning the schema does not say, as Model.key."""
    return [
        f"{model.__name__}.{info.alias or name}"
        for model, _ in _models(Profile, "")
        for name, info in model.model_fields.items()
        if not _meaning(info) and (model, name) != (Profile, "name")
    ]


def _meaning(info: FieldInfo) -> str:
    """What the schema says of a key; a section's own first sentence where it says nothing."""
    section = next(_inside(info.annotation), None)
    first = inspect.cleandoc(section.__doc__ or "").partition("\n")[0] if section else ""
    return info.description or first.partition(". ")[0].rstrip(".") + ("." if first else "")


def _models(model: type[BaseModel], place: str) -> Iterator[tuple[type[BaseModel], str]]:
    """The model and all that stand in it, each once, in the order of the schema, with the place where it stands."""
    seen: set[type[BaseModel]] = set()

    def walk(current: type[BaseModel], where: str) -> Iterator[tuple[type[BaseModel], str]]:
        if current in seen:
            return
        seen.add(current)
        yield current, where
        for name, info in current.model_fields.items():
            for inner in _inside(info.annotation):
                below = f"{where}.{name}".lstrip(".")
                yield from walk(inner, f"{below}.<column>" if get_origin(info.annotation) is dict else below)

    yield from walk(model, place)


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _inside(part)


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(part) for part in parts if part is not type(None)))
    if origin is dict:
        return f"mapping to {_kind(parts[1])}"
    if origin in (list, tuple):
        return f"list of {_kind(parts[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return {str: "text", int: "whole number", float: "number", bool: "yes or no"}.get(annotation, "anything")


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ({}, [], ()) or isinstance(value, BaseModel):
        return ""
    return f"`{', '.join(map(str, value)) if isinstance(value, (list, tuple)) else value}`"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(_: list[str]) -> int:
    """Print the page."""
    print(reference(), end="")
    return 0
