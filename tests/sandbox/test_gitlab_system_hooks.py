"""The stand-in's system hooks, asked by GitLab's client for Python and by what we observe with.

Held to https://docs.gitlab.com/api/system_hooks/ and
https://docs.gitlab.com/administration/system_hooks/.
"""

import json
from collections.abc import Iterator

import gitlab as python_gitlab
import pytest

from fluxhooks import ObservationError
from fluxhooks.observe.forges.gitlab import GitLabForge
from fluxhooks.observe.state import DeclaredWebhook, Scope
from sandbox.forges.gitlab import GitLab, Repository
from tests.sandbox.receiver import Receiver

PLACE = DeclaredWebhook(scope=Scope("gitlab", "instance", "GitLab"), id="")


@pytest.fixture
def client(gitlab: GitLab) -> Iterator[python_gitlab.Gitlab]:
    """GitLab's client for Python, signed in as an administrator; it leaves no system hook."""
    client = python_gitlab.Gitlab(gitlab.base_url, private_token=gitlab.token)
    yield client
    for hook in client.hooks.list(get_all=True):
        hook.delete()


def test_one_that_asks_for_nothing_is_told_of_repositories(client: python_gitlab.Gitlab) -> None:
    """That is on where nothing is said, unlike pushes, and of its token nothing is shown."""
    made = client.hooks.create({"url": "https://flux.example.com/hook/one", "token": "not-told"})

    shown = client.hooks.get(made.id).asdict()
    assert {
        "push_events": False,
        "tag_push_events": False,
        "merge_requests_events": False,
        "repository_update_events": True,
        "enable_ssl_verification": True,
    }.items() <= shown.items()
    assert "not-told" not in json.dumps(shown)


def test_every_delivery_is_a_system_hook_without_commits(
    gitlab: GitLab, client: python_gitlab.Gitlab, project: Repository, receiver: Receiver
) -> None:
    """What it is stands in the body; and what was not asked for comes as well."""
    asked = {"push_events": True, "tag_push_events": True, "repository_update_events": True}
    client.hooks.create({"url": receiver.url(), "token": "not-told", **asked})

    project.commit({"a.txt": "a"}, message="One")
    gitlab.create_project(f"{project.name}-two")
    gitlab.wait_idle()

    bodies = [json.loads(each.body) for each in receiver.received]
    assert {"System Hook"} == {each.headers["X-Gitlab-Event"] for each in receiver.received}
    assert {"not-told"} == {each.headers["X-Gitlab-Token"] for each in receiver.received}
    assert {"project_create", "push", "repository_update"} == {
        body["event_name"] for body in bodies
    }
    (push,) = [body for body in bodies if body["event_name"] == "push"]
    assert (project.name, []) == (push["project"]["path_with_namespace"], push["commits"])


def test_what_is_observed_of_one(client: python_gitlab.Gitlab, gitlab: GitLab) -> None:
    """How it is set, and that no API tells what became of its deliveries."""
    url = f"https://flux.example.com/hook/{'1' * 64}"
    made = client.hooks.create({"url": url, "token": "not-told", "push_events": True})
    forge = GitLabForge(client)
    declared = DeclaredWebhook(scope=PLACE.scope, id=str(made.id))

    (seen,) = forge.webhooks(PLACE)
    assert (str(made.id), url, frozenset({"System Hook"}), True, False) == (
        seen.id,
        seen.url,
        seen.events,
        seen.active,
        seen.pingable,
    )
    assert seen == forge.webhook(declared)
    assert ([], None) == (forge.deliveries(declared), forge.ping(declared))
    forge.delete(seen, declared)
    assert forge.webhook(declared) is None
    assert [] == gitlab.hooks("")


def test_who_is_no_administrator_is_told(gitlab: GitLab) -> None:
    """A Maintainer's token is not enough."""
    token = gitlab.issue_token(webhooks="none")
    forge = GitLabForge(python_gitlab.Gitlab(gitlab.base_url, private_token=token))

    with pytest.raises(ObservationError) as caught:
        forge.webhooks(PLACE)
    assert (
        "GitLab refused the webhooks of the instance GitLab: it answered 403; may the token "
        "administer webhooks?"
    ) == str(caught.value)
