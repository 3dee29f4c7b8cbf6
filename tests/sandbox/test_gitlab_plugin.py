"""The stand-in for pulumi-gitlab, asked as the engine asks it, against the stand-in for GitLab.

Nothing was recorded of the official plugin. The properties are held to those of the installed SDK;
the rest is read from documentation and source, and where one could tempt a stand-in to be kinder
than the official plugin, the test's docstring says so.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pulumi_gitlab
import pytest

from sandbox.forges.gitlab import GitLab, Hook, Repository
from sandbox.plugins.gitlab.hooks import (
    GROUP_HOOK,
    PROJECT_HOOK,
    SYSTEM_HOOK,
    HookType,
    snake,
)
from sandbox.plugins.install import install
from tests.sandbox.plugin_process import Answer, PluginProcess

STAND_IN = (sys.executable, "-P", "-m", "sandbox.plugins.gitlab")
URL = "http://127.0.0.1:9/hook/one"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PREFIX = "rpc error: code = Unknown desc = "


def secret(value: str) -> dict[str, str]:
    return {**SECRET, "value": value}


def urn(kind: HookType = PROJECT_HOOK) -> str:
    """The URN of a webhook with the logical name `app`, below a component."""
    return f"urn:pulumi:s::p::fluxhooks:index:WebhookReceiver${kind.type}::app"


class Plugin:
    """A configured plugin; `inputs` are those of a project's webhook."""

    def __init__(self, process: PluginProcess, project: str) -> None:
        self.process = process
        self.inputs = {"project": project, "url": secret(URL), "token": secret("not-told")}

    def ask(self, method: str, *, kind: HookType = PROJECT_HOOK, **request: Any) -> Answer:
        return self.process.ask(method, {"urn": urn(kind), **request})

    def check(self, inputs: Any, *, kind: HookType = PROJECT_HOOK, **request: Any) -> Any:
        """The checked inputs."""
        answer = self.ask("Check", kind=kind, news=inputs, **request)
        assert not answer.error, answer.error
        assert not answer.response.get("failures"), answer.response
        return answer.response["inputs"]

    def create(self, inputs: Any = None, *, kind: HookType = PROJECT_HOOK) -> Any:
        """A webhook's ID and properties."""
        checked = self.check(inputs or self.inputs, kind=kind)
        answer = self.ask("Create", kind=kind, properties=checked)
        assert not answer.error, answer.error
        return answer.response

    def diff(self, state: Any, inputs: Any, *, kind: HookType = PROJECT_HOOK) -> Any:
        """What a change of the inputs would do."""
        olds, id_ = state["properties"], state["id"]
        return self.ask("Diff", kind=kind, id=id_, olds=olds, news=inputs).response

    def update(self, state: Any, inputs: Any, **request: Any) -> Answer:
        olds, id_ = state["properties"], state["id"]
        return self.ask("Update", id=id_, olds=olds, news=inputs, **request)


@pytest.fixture(scope="module")
def process(shared_gitlab: GitLab) -> Iterator[PluginProcess]:
    """One plugin for all: it keeps nothing but what it is configured with."""
    with PluginProcess(environment=environment(shared_gitlab), command=STAND_IN) as process:
        answer = process.ask("Configure", {"args": {}, "acceptSecrets": True})
        assert not answer.error, answer.error
        yield process


@pytest.fixture
def plugin(process: PluginProcess, project: Repository) -> Plugin:
    return Plugin(process, project.name)


def environment(gitlab: GitLab) -> dict[str, str]:
    return {"GITLAB_TOKEN": gitlab.token, "GITLAB_BASE_URL": f"{gitlab.base_url}api/v4/"}


def hook(gitlab: GitLab, project: Repository) -> Hook:
    (found,) = gitlab.hooks(project.name)
    return found


@pytest.mark.parametrize(
    ("kind", "arguments", "resource"),
    [
        pytest.param(
            PROJECT_HOOK, pulumi_gitlab.ProjectHookArgs, pulumi_gitlab.ProjectHook, id="project"
        ),
        pytest.param(GROUP_HOOK, pulumi_gitlab.GroupHookArgs, pulumi_gitlab.GroupHook, id="group"),
        pytest.param(
            SYSTEM_HOOK, pulumi_gitlab.SystemHookArgs, pulumi_gitlab.SystemHook, id="system"
        ),
    ],
)
def test_the_properties_are_those_of_the_installed_sdk(
    kind: HookType, arguments: Any, resource: Any
) -> None:
    """A newer one with more of them fails here, and is looked at."""
    inputs = set(inspect.signature(arguments).parameters)
    outputs = {
        name for name, value in vars(resource).items() if isinstance(value, property)
    } - inputs

    assert inputs == {snake(key) for key in kind.inputs}
    assert outputs == {snake(key) for key in kind.outputs}
    documented = inspect.getdoc(arguments.__init__) or ""
    defaults = dict(re.findall(r":param \S+ (\w+): .*Defaults to `(true|false)`", documented))
    # Of a system hook none is documented, and each must be given.
    known = kind.flags if kind.parent else ()
    assert defaults == {snake(flag): str(kind.default(flag)).lower() for flag in known}
    assert kind.type in inspect.getsource(resource)


def test_a_created_hook_is_at_gitlab_and_in_the_state(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """With its number, GitLab's defaults and what only GitLab knows; URL and token as secrets."""
    state = plugin.create(plugin.inputs | {"tagPushEvents": True})

    found = hook(gitlab, project)
    assert (URL, "not-told", {"push_events", "tag_push_events"}) == (
        found.url,
        found.secret,
        found.flags,
    )
    properties = state["properties"]
    assert f"{project.name}:{found.id}" == state["id"] == properties["id"]
    assert (secret("not-told"), secret(URL)) == (properties["token"], properties["url"])
    assert (found.id, found.target.id, "executable", True, True, False) == tuple(
        properties[key]
        for key in (
            "hookId",
            "projectId",
            "alertStatus",
            "pushEvents",
            "enableSslVerification",
            "noteEvents",
        )
    )
    request = gitlab.requests[-1]
    assert ("POST", f"/projects/{project.name}/hooks") == (request.method, request.path)


def test_a_token_is_a_secret_whoever_gave_it(plugin: Plugin) -> None:
    """The schema says so; of the URL it does not, so that is one only where it came as one."""
    plain = {"project": plugin.inputs["project"], "url": URL, "token": "not-told"}
    state = plugin.create(plain)

    assert secret("not-told") == plugin.check(plain)["token"] == state["properties"]["token"]
    assert URL == state["properties"]["url"]


def test_a_group_hook_belongs_to_its_group(gitlab: GitLab, plugin: Plugin) -> None:
    """And asks for events that only groups have."""
    gitlab.create_group("acme/with-hook")
    inputs = {"group": "acme/with-hook", "url": URL, "token": "x", "subgroupEvents": True}
    state = plugin.create(inputs, kind=GROUP_HOOK)

    (found,) = gitlab.hooks("acme/with-hook")
    assert f"acme/with-hook:{found.id}" == state["id"]
    assert {"push_events", "subgroup_events"} == found.flags
    assert found.target.id == state["properties"]["groupId"]


def test_a_hook_is_named_by_pulumi(plugin: Plugin) -> None:
    """With the logical name in front, and the same name next time; a name of one's own stays."""
    named = plugin.check(plugin.inputs, randomSeed="c2VlZA==")

    assert re.fullmatch(r"app-[0-9a-f]{7}", named["name"])
    assert named == plugin.check(plugin.inputs, olds=named)
    assert "mine" == plugin.check(plugin.inputs | {"name": "mine"}, olds=named)["name"]
    proposed = {"mode": "PROPOSE", "proposedName": "verbatim"}
    assert "verbatim" == plugin.check(plugin.inputs, autonaming=proposed)["name"]
    assert "name" not in plugin.check(plugin.inputs, autonaming={"mode": "DISABLE"})


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [
        pytest.param(
            {"url": None},
            {"url": "Missing required argument. The argument 'url' is required"},
            id="no URL",
        ),
        pytest.param(
            {"url": "http://host/a b"}, {"url": "The URL may not contain whitespace"}, id="space"
        ),
        pytest.param(
            {"pushEvent": True},
            {
                "pushEvent": (
                    "Unsupported argument. An argument named 'pushEvent' is not expected here"
                )
            },
            id="misspelled",
        ),
        pytest.param({"pushEvents": "true"}, {"pushEvents": "expected a boolean"}, id="text"),
        pytest.param({"project": 7}, {"project": "expected a string"}, id="number"),
        pytest.param(
            {"branchFilterStrategy": "some"},
            {"branchFilterStrategy": "value must be one of: wildcard, regex, all_branches"},
            id="strategy",
        ),
    ],
)
def test_what_the_schema_does_not_allow_fails_the_check(
    plugin: Plugin, inputs: dict[str, object], failures: dict[str, str]
) -> None:
    """Before anything is done, by property."""
    answer = plugin.ask("Check", news=plugin.inputs | inputs)

    assert failures == {
        failure["property"]: failure["reason"] for failure in answer.response["failures"]
    }


def test_what_is_not_known_yet_passes_the_check(plugin: Plugin) -> None:
    """A preview knows neither URL nor token."""
    inputs = plugin.inputs | {"url": secret(UNKNOWN), "token": secret(UNKNOWN)}

    assert secret(UNKNOWN) == plugin.check(inputs)["url"]


def test_a_preview_makes_nothing_and_knows_what_gitlab_would_not_decide(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """ID and number are GitLab's to give."""
    checked = plugin.check(plugin.inputs | {"url": secret(UNKNOWN)})
    answer = plugin.ask("Create", properties=checked, preview=True).response

    assert [] == gitlab.hooks(project.name)
    assert "id" not in answer
    properties = answer["properties"]
    assert [UNKNOWN, UNKNOWN, True, False] == [
        properties[key] for key in ("id", "hookId", "pushEvents", "noteEvents")
    ]
    assert secret(UNKNOWN) == properties["url"]


def test_nothing_changed_is_no_difference(plugin: Plugin) -> None:
    """Defaults are the same whether a program gives them or not."""
    state = plugin.create()
    checked = plugin.check(plugin.inputs, olds=plugin.check(plugin.inputs))
    checked["name"] = state["properties"]["name"]

    assert "DIFF_NONE" == plugin.diff(state, checked)["changes"]
    explicit = checked | {"pushEvents": True, "noteEvents": False, "enableSslVerification": True}
    assert "DIFF_NONE" == plugin.diff(state, explicit)["changes"]


@pytest.mark.parametrize(
    ("change", "replaces"),
    [
        pytest.param({"url": URL.replace("one", "two")}, ["url"], id="url"),
        pytest.param({"url": UNKNOWN}, ["url"], id="url not known yet"),
        pytest.param({"project": "acme/other"}, ["project"], id="project"),
        pytest.param({"token": "another"}, [], id="token"),
        pytest.param({"tagPushEvents": True}, [], id="event"),
        pytest.param({"pushEventsBranchFilter": "main"}, [], id="filter"),
    ],
)
def test_a_changed_url_or_project_replaces_and_the_rest_is_edited(
    plugin: Plugin, change: dict[str, object], replaces: list[str]
) -> None:
    """The new one first, the old one last: nothing asks for the contrary."""
    state = plugin.create()
    answer = plugin.diff(state, plugin.check(plugin.inputs | change, olds=state["properties"]))

    changed = [key for key in answer["diffs"] if key != "name"]
    assert list(change) == changed
    assert replaces == answer.get("replaces", [])
    assert not answer.get("deleteBeforeReplace")
    kinds = {"UPDATE_REPLACE" if replaces else "UPDATE"}
    assert kinds == {answer["detailedDiff"][key]["kind"] for key in changed}


def test_any_change_replaces_a_group_hook(gitlab: GitLab, plugin: Plugin) -> None:
    """As the provider's source had it; editing in place would be the kinder reading."""
    gitlab.create_group("acme/replaced")
    inputs = {"group": "acme/replaced", "url": URL, "token": "x", "name": "mine"}
    state = plugin.create(inputs, kind=GROUP_HOOK)

    answer = plugin.diff(state, inputs | {"noteEvents": True}, kind=GROUP_HOOK)

    assert ["noteEvents"] == answer["replaces"]


def test_an_edit_always_sends_url_and_token(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """GitLab would keep the token; a provider that sends one cannot lose it."""
    state = plugin.create()
    answer = plugin.update(state, plugin.check(plugin.inputs | {"releasesEvents": True}))

    found = hook(gitlab, project)
    assert ("not-told", {"push_events", "releases_events"}) == (found.secret, found.flags)
    assert secret("not-told") == answer.response["properties"]["token"]
    assert found.id == answer.response["properties"]["hookId"]


def test_a_token_that_the_program_drops_stays(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """It is the state's until it is replaced by another one."""
    state = plugin.create()
    without = {key: value for key, value in plugin.inputs.items() if key != "token"}
    answer = plugin.update(state, plugin.check(without | {"noteEvents": True}))

    assert "not-told" == hook(gitlab, project).secret
    assert secret("not-told") == answer.response["properties"]["token"]


def test_a_previewed_edit_changes_nothing(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """The ID stays known."""
    state = plugin.create()
    answer = plugin.update(state, plugin.check(plugin.inputs | {"noteEvents": True}), preview=True)

    assert state["id"] == answer.response["properties"]["id"]
    assert answer.response["properties"]["noteEvents"] is True
    assert {"push_events"} == hook(gitlab, project).flags


def test_a_refresh_sees_what_was_changed_by_hand(
    gitlab: GitLab, plugin: Plugin, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """All but the token, which GitLab shows to nobody: the state's stays."""
    inputs = plugin.check(plugin.inputs | {"pushEvents": True})
    state = plugin.create(plugin.inputs | {"pushEvents": True})
    number = int(state["properties"]["hookId"])
    gitlab_api.put(
        f"{project_hooks}/{number}",
        json={"url": URL.replace("one", "x"), "push_events": False, "token": "edited"},
    )
    answer = plugin.ask("Read", id=state["id"], properties=state["properties"], inputs=inputs)

    seen = answer.response
    assert (secret(URL.replace("one", "x")), False, secret("not-told")) == tuple(
        seen["properties"][key] for key in ("url", "pushEvents", "token")
    )
    assert (secret(URL.replace("one", "x")), False, secret("not-told")) == tuple(
        seen["inputs"][key] for key in ("url", "pushEvents", "token")
    )
    assert ["pushEvents", "url"] == [
        key for key in plugin.diff(seen, inputs)["diffs"] if key != "name"
    ]


def test_a_refresh_forgets_a_hook_that_is_gone(
    plugin: Plugin, gitlab_api: httpx.Client, project_hooks: str
) -> None:
    """So the next update makes it anew."""
    state = plugin.create()
    gitlab_api.delete(f"{project_hooks}/{int(state['properties']['hookId'])}")
    answer = plugin.ask("Read", id=state["id"], properties=state["properties"])

    assert ({}, "") == (answer.response, answer.error)


def test_an_import_reads_everything_but_the_token(
    plugin: Plugin, gitlab_api: httpx.Client, project_hooks: str, project: Repository
) -> None:
    """By `project:number`; the inputs are what a program would have to say."""
    made = gitlab_api.post(
        project_hooks, json={"url": URL, "token": "x", "push_events": False, "note_events": True}
    ).json()
    answer = plugin.ask("Read", id=f"{project.name}:{made['id']}")

    assert {
        "project": project.name,
        "url": URL,
        "pushEvents": False,
        "noteEvents": True,
        "branchFilterStrategy": "wildcard",
    } == answer.response["inputs"]
    assert "token" not in answer.response["properties"]


@pytest.mark.parametrize(
    "id_",
    ["7", "acme/app:", ":7", "acme/app:x"],
    ids=["number alone", "project alone", "no project", "no number"],
)
def test_an_id_of_another_form_is_refused(plugin: Plugin, id_: str) -> None:
    """With the form that is expected."""
    answer = plugin.ask("Read", id=id_)

    assert f'{PREFIX}Unexpected ID format ("{id_}"). Expected <part1>:<part2>' == answer.error


def test_a_delete_needs_the_hook_to_be_there(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """The provider's source fails on 404; a plugin that forgave it would be the kinder one."""
    state = plugin.create()
    first, second = (
        plugin.ask("Delete", id=state["id"], properties=state["properties"]) for _ in range(2)
    )

    assert [] == gitlab.hooks(project.name)
    assert ["", f"{PREFIX}Error deleting GitLab project hook: 404 Not Found"] == [
        first.error,
        second.error,
    ]


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        pytest.param(
            {"url": "nowhere"},
            "POST {root}api/v4/projects/{project}/hooks: 422 {{error: Invalid url given}}",
            id="URL",
        ),
        pytest.param(
            {"token": "two\nlines"},
            "POST {root}api/v4/projects/{project}/hooks: 422 {{message: {{token: [is invalid]}}}}",
            id="token",
        ),
        pytest.param({"project": "acme/none"}, "404 Not Found", id="project"),
    ],
)
def test_a_refusal_is_told_in_gitlabs_words(
    gitlab: GitLab, project: Repository, plugin: Plugin, inputs: dict[str, str], error: str
) -> None:
    """As GitLab's client for Go writes them, without URL and token."""
    checked = plugin.check(plugin.inputs | inputs)
    answer = plugin.ask("Create", properties=checked)

    reason = error.format(root=gitlab.base_url, project=project.name)
    assert f"{PREFIX}Error creating GitLab project hook: {reason}" == answer.error


def test_a_failing_gitlab_is_asked_again(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """Until it answers, up to five times more."""
    fault = gitlab.faults.respond(502, times=2)
    plugin.create()

    assert 2 == fault.hits
    assert 1 == len(gitlab.hooks(project.name))


def test_asking_again_can_make_a_second_hook(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """A POST too is repeated: forgetting that would be kinder than the real client."""
    gitlab.faults.respond(500, method="POST", after=True)
    state = plugin.create()

    first, second = gitlab.hooks(project.name)
    assert f"{project.name}:{second.id}" == state["id"] != f"{project.name}:{first.id}"


def test_a_limited_rate_is_waited_for(gitlab: GitLab, project: Repository, plugin: Plugin) -> None:
    """Until the moment that GitLab names."""
    gitlab.faults.rate_limit(retry_after=2, method="POST")
    plugin.create()

    refused, made = (request for request in gitlab.requests[-2:])
    assert [429, 201] == [refused.status, made.status]
    assert made.at - refused.at > 0.9


def test_a_lost_connection_is_an_error_at_once(
    gitlab: GitLab, project: Repository, plugin: Plugin
) -> None:
    """Whether the webhook was made, nobody knows."""
    gitlab.faults.drop(method="POST", after=True)
    answer = plugin.ask("Create", properties=plugin.check(plugin.inputs))

    url = f"{gitlab.base_url}api/v4/projects/{project.name.replace('/', '%2F')}/hooks"
    assert f'{PREFIX}Error creating GitLab project hook: Post "{url}": EOF' == answer.error
    assert 1 == len(gitlab.hooks(project.name))


def test_a_system_hook_is_the_instances(gitlab: GitLab, plugin: Plugin) -> None:
    """Its ID is its number alone, and any change is another webhook."""
    flags = dict.fromkeys(SYSTEM_HOOK.flags, False) | {"pushEvents": True}
    inputs = {"name": "app", "url": secret(URL), "token": "not-told", **flags}
    state = plugin.create(inputs, kind=SYSTEM_HOOK)

    (found,) = gitlab.hooks("")
    assert (str(found.id), {"push_events"}, "not-told", False) == (
        state["id"],
        found.flags,
        found.secret,
        found.verify,
    )
    assert (secret("not-told"), secret(URL)) == (
        state["properties"]["token"],
        state["properties"]["url"],
    )
    news = plugin.check(inputs | {"tagPushEvents": True}, kind=SYSTEM_HOOK)
    assert ["tagPushEvents"] == plugin.diff(state, news, kind=SYSTEM_HOOK)["replaces"]
    answer = plugin.ask("Delete", kind=SYSTEM_HOOK, id=state["id"], properties=state["properties"])
    assert ("", []) == (answer.error, gitlab.hooks(""))


def test_a_flag_of_a_system_hook_that_is_left_out_is_refused(plugin: Plugin) -> None:
    """What the provider sends then is documented nowhere."""
    answer = plugin.ask(
        "Check", kind=SYSTEM_HOOK, news={"url": URL, "token": "not-told", "pushEvents": True}
    )

    assert (
        f"{PREFIX}stand-in: a system hook without 'mergeRequestsEvents' is not supported; use the "
        "official plugin: pulumi plugin install resource gitlab"
    ) == answer.error


@pytest.mark.parametrize("type_", ["project:Project", "groupHooks:GroupHooks"])
def test_what_only_the_official_plugin_can_do_is_refused(
    process: PluginProcess, type_: str
) -> None:
    """With how to get that."""
    answer = process.ask("Check", {"urn": f"urn:pulumi:s::p::gitlab:index/{type_}::app"})

    assert (
        f"{PREFIX}stand-in: the type gitlab:index/{type_} is not supported; use the official "
        "plugin: pulumi plugin install resource gitlab"
    ) == answer.error


@pytest.mark.parametrize(
    "property_", ["customHeaders", "customWebhookTemplate", "signingToken", "urlVariables"]
)
def test_a_property_that_would_be_ignored_is_refused(plugin: Plugin, property_: str) -> None:
    """GitLab's stand-in does not know them either."""
    answer = plugin.ask("Check", news=plugin.inputs | {property_: "x"})

    assert f"stand-in: the property '{property_}' is not supported" in answer.error


def test_the_settings_of_the_program_win(gitlab: GitLab) -> None:
    """Over the environment's."""
    with PluginProcess(environment={"GITLAB_TOKEN": "wrong"}, command=STAND_IN) as process:
        args = {"token": secret(gitlab.token), "baseUrl": f"{gitlab.base_url}api/v4/"}
        asked = len(gitlab.requests)
        answer = process.ask("Configure", {"args": args, "acceptSecrets": True})

        assert ("", ["/user"]) == (
            answer.error,
            [request.path for request in gitlab.requests[asked:]],
        )
        without = args | {"earlyAuthCheck": "false"}
        assert not process.ask("Configure", {"args": without, "acceptSecrets": True}).error
        assert asked + 1 == len(gitlab.requests)


@pytest.mark.parametrize(
    ("variables", "args", "error"),
    [
        pytest.param(
            {},
            {},
            "No GitLab token configured, either use the `token` provider argument or set it as "
            "`GITLAB_TOKEN` environment variable",
            id="no token",
        ),
        pytest.param(
            {"GITLAB_TOKEN": "x"},
            {},
            "stand-in: GitLab.com, as neither baseUrl nor GITLAB_BASE_URL is set, is not "
            "supported; use the official plugin: pulumi plugin install resource gitlab",
            id="gitlab.com",
        ),
        pytest.param(
            {"GITLAB_TOKEN": "x"},
            {"baseUrl": "http://127.0.0.1:9/api/v4"},
            "the GitLab base URL must end with a slash",
            id="no slash",
        ),
        pytest.param(
            {"GITLAB_TOKEN": "x"},
            {"insecure": "true"},
            "stand-in: the provider argument 'insecure' is not supported; use the official "
            "plugin: pulumi plugin install resource gitlab",
            id="what only the official one can",
        ),
    ],
)
def test_what_cannot_be_configured_is_said(
    variables: dict[str, str], args: dict[str, str], error: str
) -> None:
    """And never is gitlab.com spoken to."""
    empty = {"GITLAB_TOKEN": "", "GITLAB_BASE_URL": ""}
    with PluginProcess(environment=empty | variables, command=STAND_IN) as process:
        answer = process.ask("Configure", {"args": args, "acceptSecrets": True})

    assert PREFIX + error == answer.error


def test_a_wrong_token_is_noticed_before_anything_is_done(gitlab: GitLab) -> None:
    """By the question whose it is, and without it in the error."""
    variables = environment(gitlab) | {"GITLAB_TOKEN": "glpat-wrong"}
    with PluginProcess(environment=variables, command=STAND_IN) as process:
        answer = process.ask("Configure", {"args": {}, "acceptSecrets": True})

    assert answer.error.endswith("api/v4/user: 401 {message: 401 Unauthorized}")
    assert "glpat" not in answer.error


def test_it_is_installed_under_the_official_name(tmp_path: Any) -> None:
    """Of the version of the SDK, which asks for exactly its own."""
    path = install(tmp_path, "gitlab")

    release = pulumi_gitlab._utilities.get_version()
    assert tmp_path / f"plugins/resource-gitlab-v{release}/pulumi-resource-gitlab" == path
    with PluginProcess(environment={}, command=(str(path),)) as process:
        assert {"version": release} == process.ask("GetPluginInfo", {}).response
