"""The refusals of GitHub's REST API, in the shapes it documents."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.forges.encoding import JsonObject

DOCUMENTATION = "https://docs.github.com/rest"
SECONDARY_LIMIT = (
    f"{DOCUMENTATION}/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)


class ApiError(Exception):
    """A request that is answered with an error: status, JSON body and extra headers."""

    def __init__(
        self, status: int, message: str, *, headers: Mapping[str, str] | None = None, **more: object
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.headers = dict(headers or {})
        self.body: JsonObject = {"message": message, **more}
        self.body.setdefault("documentation_url", DOCUMENTATION)
        if "errors" not in more:
            self.body.setdefault("status", str(status))  # not part of a published validation error


def bad_credentials() -> ApiError:
    return ApiError(401, "Bad credentials")


def requires_authentication() -> ApiError:
    return ApiError(401, "Requires authentication")


def not_decodable() -> ApiError:
    """The answer where an App has to say who it is."""
    return ApiError(401, "A JSON web token could not be decoded")


def no_user() -> ApiError:
    """The answer to an App where only a user is somebody."""
    return ApiError(403, "Resource not accessible by integration")


def not_found() -> ApiError:
    return ApiError(404, "Not Found")


def missing_permission(wanted: str) -> ApiError:
    """The answer to a fine-grained token without a right, such as `repository_hooks=write`."""
    return ApiError(
        403,
        "Resource not accessible by personal access token",
        headers={"X-Accepted-GitHub-Permissions": wanted},
    )


def unparsable() -> ApiError:
    return ApiError(400, "Problems parsing JSON")


def invalid_request(reason: str) -> ApiError:
    """The answer to a body that does not fit the endpoint's schema."""
    return ApiError(422, f"Invalid request.\n\n{reason}")


def invalid_hook(message: str) -> ApiError:
    """The answer to a webhook that fits the schema and is refused all the same."""
    return ApiError(
        422,
        "Validation Failed",
        errors=[{"resource": "Hook", "code": "custom", "message": message}],
    )


def invalid_hook_field(field: str) -> ApiError:
    return ApiError(
        422,
        "Validation Failed",
        errors=[{"resource": "Hook", "field": field, "code": "invalid"}],
    )


def invalid_status(field: str, code: str, *, message: str | None = None) -> ApiError:
    error = {"resource": "Status", "field": field, "code": code}
    return ApiError(
        422, "Validation Failed", errors=[{**error, **({"message": message} if message else {})}]
    )


def no_commit(sha: str) -> ApiError:
    return ApiError(422, f"No commit found for SHA: {sha}")


def rate_limited(reset: int) -> ApiError:
    """The answer when the hourly quota is used up; `reset` is in epoch seconds."""
    return ApiError(
        403,
        "API rate limit exceeded for user ID 1.",
        headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)},
        documentation_url=f"{DOCUMENTATION}/overview/rate-limits-for-the-rest-api",
    )


def secondary_limit(status: int, retry_after: int) -> ApiError:
    """The answer to too many requests in a short time; `retry_after` is in seconds."""
    return ApiError(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers={"Retry-After": str(retry_after)},
        documentation_url=SECONDARY_LIMIT,
    )
