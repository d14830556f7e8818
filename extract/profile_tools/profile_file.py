"""A profile read for the person who writes it: every fault at once, with its line, its key and what was meant."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from extract.errors import ProfileInvalid
from extract.profile import Profile


def read_file(path: Path) -> tuple[Profile, dict[str, Any]]:
    """The profile in a file and what the YAML says. Raises ProfileInvalid with one line for each fault."""
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except FileNotFoundError:
        raise ProfileInvalid(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileInvalid(f"{path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ProfileInvalid(f"{path} is no YAML: {error}") from None
    if not isinstance(content, dict) or root is None:
        raise ProfileInvalid(f"{path} holds no keys; the least are description, resource and fields")
    if doubled := list(_doubled(root, "")):
        raise ProfileInvalid("\n".join(f"{path}, line {line}: {key}: stands twice" for line, key in doubled))
    if "name" in content:
        raise ProfileInvalid(f"{path}: name: a profile is named by its file; take the key out")
    try:
        return Profile(name=path.stem, **content), content
    except ValidationError as error:
        raise ProfileInvalid("\n".join(_line(path, root, fault) for fault in error.errors())) from None
    except TypeError as error:
        raise ProfileInvalid(f"{path}: {error}") from None


def _line(path: Path, root: yaml.Node, fault: ErrorDetails) -> str:
    # A fault of a key itself ends in [key], behind the key as pydantic knows it.
    keys = fault["loc"][:-2] if fault["loc"][-1:] == ("[key]",) else fault["loc"]
    place = ".".join(map(str, keys))
    return f"{path}, line {_line_of(root, keys)}: {place + ': ' if place else ''}{_message(fault, keys)}"


def _message(fault: ErrorDetails, keys: tuple[int | str, ...]) -> str:
    match fault["type"]:
        case "extra_forbidden":
            known = sorted(_keys_of(_model_at(keys[:-1])))
            meant = get_close_matches(str(keys[-1]), known, 1)
            return f"is no key here; {f'{meant[0]!r} is meant?' if meant else 'there are ' + ', '.join(known)}"
        case "missing":
            return "is missing"
        case "string_type" if isinstance(fault["input"], (bool, int, float)):
            return f"{fault['input']!r} must stand in quotes, or YAML takes it for a number or a yes/no"
    return fault["msg"].removeprefix("Value error, ")


def _model_at(keys: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that describes the place: keys of dictionaries and places in lists do not change it."""
    model: type[BaseModel] = Profile
    for key in keys:
        for name, info in model.model_fields.items():
            if key in (name, info.alias) and (found := next(_models_in(info.annotation), None)):
                model = found
                break
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _keys_of(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()} - {"name" if model is Profile else ""}


def _line_of(node: yaml.Node, keys: tuple[int | str, ...]) -> int:
    """The line of the deepest of the keys that stands in the file."""
    line = node.start_mark.line
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            found = next(((name, value) for name, value in node.value if name.value == str(key)), None)
            if found is None:
                break
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        else:
            break
    return line + 1


def _doubled(node: yaml.Node, place: str) -> Iterator[tuple[int, str]]:
    """Keys that stand twice in one mapping: YAML keeps the last and says nothing."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            path = f"{place}.{name.value}".lstrip(".")
            if name.value in seen:
                yield name.start_mark.line + 1, path
            seen.add(str(name.value))
            yield from _doubled(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _doubled(value, place)
