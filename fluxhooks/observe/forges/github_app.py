"""An App's credentials for GitHub, found where the GitHub provider finds them."""

import json
import os
from typing import TYPE_CHECKING

from fluxhooks.errors import ObservationError
from fluxhooks.observe.state import ProviderSettings

if TYPE_CHECKING:
    from github.Auth import AppInstallationAuth, Auth


def installation(providers: ProviderSettings) -> "AppInstallationAuth | None":
    """Return what authenticates as an App's installation; None where no App is named.

    It is named by the provider's ``appAuth``, each value else by ``GITHUB_APP_ID``,
    ``GITHUB_APP_INSTALLATION_ID`` and ``GITHUB_APP_PEM_FILE`` (which has the key itself); all
    three are needed, and are then preferred to a token, as the provider does.

    Raises:
        ObservationError: the key or the installation's ID is none.
    """
    given = _given(providers)
    if not all(given):
        return None
    app_id, installation_id, pem = given

    import github

    try:
        number = int(installation_id)
        auth = github.Auth.AppAuth(app_id, pem.replace("\\n", "\n"))
        auth.create_jwt()
    except Exception:  # a text of the key's parser may hold the key
        raise ObservationError(
            "the GitHub App's credentials cannot be used: GITHUB_APP_INSTALLATION_ID must be a "
            "number, and GITHUB_APP_PEM_FILE the private key itself, with \\n for its line breaks"
        ) from None
    return auth.get_installation_auth(number)


def renew(auth: "Auth | None") -> None:
    """Have a token fetched that is due, of an App's installation; others have none to fetch.

    A refusal would be taken for that of whatever is asked for next.

    Raises:
        ObservationError: GitHub gives none.
    """
    import github
    import requests

    if not isinstance(auth, github.Auth.AppInstallationAuth):
        return
    try:
        _ = auth.token
    except github.GithubException as error:
        raise ObservationError(
            f"GitHub gave the App no token: it answered {error.status}; are GITHUB_APP_ID, "
            "GITHUB_APP_INSTALLATION_ID and GITHUB_APP_PEM_FILE those of one installation?",
            passing=error.status == 429 or error.status >= 500,
        ) from None
    except requests.RequestException as error:
        raise ObservationError(
            f"GitHub could not be asked for the App's token: {type(error).__name__}", passing=True
        ) from None


def _given(providers: ProviderSettings) -> tuple[str, str, str]:
    try:
        of_provider = json.loads(providers.github_app_auth or "{}")
    except ValueError:
        of_provider = {}

    def value(key: str, variable: str) -> str:
        return str(of_provider.get(key) or os.environ.get(variable, ""))

    return (
        value("id", "GITHUB_APP_ID"),
        value("installationId", "GITHUB_APP_INSTALLATION_ID"),
        value("pemFile", "GITHUB_APP_PEM_FILE"),
    )
