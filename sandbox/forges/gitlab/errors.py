"""The REST API's refusals, with the texts GitLab publishes."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """A request that is answered with an error: status, JSON body and extra headers."""

    def __init__(
        self, status: int, body: Mapping[str, object], *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def message(status: int, text: object) -> ApiError:
    """What GitLab's own code says: in `message`."""
    return ApiError(status, {"message": text})


def error(status: int, text: str) -> ApiError:
    """What the check of parameters says: in `error`."""
    return ApiError(status, {"error": text})


def unauthorized() -> ApiError:
    return message(401, "401 Unauthorized")


def forbidden() -> ApiError:
    """The answer to somebody whose role in a project or group is too small."""
    return message(403, "403 Forbidden")


def insufficient_scope(scopes: str) -> ApiError:
    """The answer to a token that may not do this, whoever it belongs to."""
    return ApiError(
        403,
        {
            "error": "insufficient_scope",
            "error_description": (
                "The request requires higher privileges than provided by the access token."
            ),
            "scope": scopes,
        },
    )


def not_found(what: str) -> ApiError:
    """The answer to what does not exist or may not be seen: "Project" or "Group"."""
    return message(404, f"404 {what} Not Found")


def record_not_found() -> ApiError:
    """The answer when there is no such thing in a project or group that there is."""
    return message(404, "404 Not found")


def unknown_endpoint(status: int) -> ApiError:
    return error(status, "405 Not Allowed" if status == 405 else "404 Not Found")


def too_many(retry_after: int) -> ApiError:
    """The answer to an endpoint with a limit of its own; `retry_after` is in seconds."""
    text = "This endpoint has been requested too many times. Try again later."
    return ApiError(429, {"message": {"error": text}}, headers={"Retry-After": str(retry_after)})


def unsupported(what: str) -> ApiError:
    """The answer to what GitLab does and the stand-in does not."""
    return message(501, f"stand-in: {what} is not supported")
