"""GitHub's published descriptions as a judge: an answer fits its model and holds nothing else."""

import json
from typing import Any

from githubkit.webhooks import parse_obj
from pydantic import BaseModel


def unpublished(model: type[BaseModel], answer: Any) -> list[str]:
    """The fields of an answer that the model does not know; a misfit raises `ValidationError`."""
    return _left_over(answer, _dump(model.model_validate(answer)), "")


def unpublished_in_event(event: str, payload: Any) -> list[str]:
    """The same for the payload of a webhook event."""
    return _left_over(payload, _dump(parse_obj(event, payload)), "")


def _dump(model: Any) -> Any:
    return json.loads(model.model_dump_json(by_alias=True, exclude_unset=True))


def _left_over(given: Any, known: Any, where: str) -> list[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        return [
            name
            for key, value in given.items()
            for name in (
                [f"{where}.{key}"]
                if key not in known
                else _left_over(value, known[key], f"{where}.{key}")
            )
        ]
    if isinstance(given, list) and isinstance(known, list):
        return [
            name
            for index, (one, other) in enumerate(zip(given, known, strict=True))
            for name in _left_over(one, other, f"{where}[{index}]")
        ]
    return []
