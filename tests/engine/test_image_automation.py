"""A tag is pushed to a registry, and a merge request is open: the example, run to its end.

Registry, controllers and engine are real; GitLab is a stand-in that takes push options. A mock
would have no scan, no commit, and no body that the registry itself wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightkube
import pytest
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from sandbox.forges.git import git
from sandbox.forges.repository import Repository
from sandbox.registry import Registry
from sandbox.sandbox import Sandbox
from sandbox.stack import Stack
from tests.app import GitRepository
from tests.breadth.table import Breadth
from tests.leaks import Leaks
from tests.sandbox.receiver import eventually

_PROGRAM = Path(__file__).parents[2] / "examples" / "programs" / "image-automation"
_CONTROLLERS = ("image-reflector-controller", "image-automation-controller")
ImageRepository = create_namespaced_resource(
    "image.toolkit.fluxcd.io", "v1", "ImageRepository", "imagerepositories"
)
ImagePolicy = create_namespaced_resource(
    "image.toolkit.fluxcd.io", "v1", "ImagePolicy", "imagepolicies"
)
_MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {{name: app}}
spec:
  containers:
    - name: app
      image: {image}:{tag} # {{"$imagepolicy": "flux-system:app"}}
"""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The example after its first update, and a registry that tells its Receiver of pushes."""

    sandbox: Sandbox
    client: lightkube.Client
    project: Repository
    registry: Registry
    stack: Stack
    leaks: Leaks

    @property
    def image(self) -> str:
        return f"{self.registry.host}/acme/app"

    def scanned(self) -> Any:
        """When the ImageRepository was last asked to scan, None when nobody has."""
        annotations = self.client.get(ImageRepository, "app").metadata.annotations or {}
        return annotations.get("reconcile.fluxcd.io/requestedAt")

    def latest(self) -> str:
        """The tag that the policy has chosen."""
        status = self.client.get(ImagePolicy, "app").status or {}
        return str(status.get("latestRef", {}).get("tag", ""))


@pytest.fixture(scope="module")
def room(
    sandbox: Sandbox, ran: set[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    project = sandbox.gitlab.create_project("acme/images")
    registry = Registry(tmp_path_factory.mktemp("registry"), ca_file=sandbox.ingress.ca_file)
    leaks = Leaks()
    controllers = sandbox.cluster.further_controllers(*_CONTROLLERS)
    with registry, controllers, sandbox.cluster.client() as client:
        program = registry.program
        ran.add(f"{program.name} {program.version}, {program.origin}: {program.path}")
        image = f"{registry.host}/acme/app"
        text = _MANIFEST.format(image=image, tag="1.0.0")
        project.commit({"deploy/app.yaml": text}, message="Deploy 1.0.0")
        registry.push("acme/app", "1.0.0")
        meta = ObjectMeta(name="app", namespace="flux-system")
        login = {"username": "flux", "password": sandbox.gitlab.token}
        client.create(Secret(metadata=meta, stringData=login))
        client.create(
            GitRepository(
                metadata=meta,
                spec={
                    "interval": "30m",
                    "ref": {"branch": "main"},
                    "secretRef": {"name": "app"},
                    "url": project.clone_url,
                },
            )
        )
        stack = sandbox.stack("image-automation", program=_PROGRAM)
        stack.set_all({"host": sandbox.ingress.host, "image": image})
        leaks.read("the output of pulumi up", stack.up().output)
        outputs = stack.outputs()
        leaks.know_token(outputs["token"])
        leaks.know_path(outputs["hook_url"].partition("/hook/")[2])
        registry.notify(outputs["hook_url"], headers={"Authorization": outputs["token"]})
        yield Room(
            sandbox=sandbox,
            client=client,
            project=project,
            registry=registry,
            stack=stack,
            leaks=leaks,
        )
        stack.destroy()
        client.delete(GitRepository, "app")
        client.delete(Secret, "app")


def test_a_pushed_tag_becomes_a_merge_request(room: Room, breadth: Breadth) -> None:
    """Of a commit with the new tag, minutes before anybody would have looked."""
    gitlab = room.sandbox.gitlab
    assert eventually(lambda: room.latest() == "1.0.0", seconds=30)
    assert [] == gitlab.merge_requests("acme/images")

    room.registry.push("acme/app", "1.1.0", content="newer")

    assert eventually(lambda: gitlab.merge_requests("acme/images") != [], seconds=60)
    (request,) = gitlab.merge_requests("acme/images")
    assert ("images", "main", "Update images", frozenset({"remove_source_branch"})) == (
        request.source,
        request.target,
        request.title,
        request.flags,
    )
    assert [] == gitlab.warnings("acme/images")
    written = git("show", "images:deploy/app.yaml", cwd=room.project.path)
    assert _MANIFEST.format(image=room.image, tag="1.1.0") == written
    message = git("log", "-1", "--format=%B", "images", cwd=room.project.path).strip()
    assert f"Update images\n\n{room.image}:1.0.0 -> {room.image}:1.1.0" == message
    breadth(
        type="harbor",
        forge="by hand: the CNCF's registry",
        secret="generated",
        against="a pushed tag becomes a merge request, GitLab is a stand-in",
    )


def test_the_next_tag_changes_the_merge_request_that_is_open(room: Room) -> None:
    """There is one branch for updates, so there is one request to merge."""
    (before,) = room.sandbox.gitlab.merge_requests("acme/images")

    room.registry.push("acme/app", "1.2.0", content="newest")

    def changed() -> bool:
        return room.sandbox.gitlab.merge_requests("acme/images")[0].sha != before.sha

    assert eventually(changed, seconds=60)
    assert 1 == len(room.sandbox.gitlab.merge_requests("acme/images"))
    written = git("show", "images:deploy/app.yaml", cwd=room.project.path)
    assert _MANIFEST.format(image=room.image, tag="1.2.0") == written


def test_a_registry_with_another_token_is_refused(room: Room) -> None:
    """Whoever knows the URL alone asks for nothing."""
    before, outputs = room.scanned(), room.stack.outputs()
    room.registry.notify(outputs["hook_url"], headers={"Authorization": "somebody-else"})

    room.registry.push("acme/app", "1.3.0", content="refused")

    log = room.registry.directory / "registry.log"
    assert eventually(lambda: "status 400" in log.read_text().lower(), seconds=20)
    assert before == room.scanned()


def test_nothing_is_told_of_the_token(room: Room) -> None:
    """Neither by the output nor by the files of the stack."""
    room.leaks.read_files(room.stack.directory)

    assert [] == room.leaks.found()
