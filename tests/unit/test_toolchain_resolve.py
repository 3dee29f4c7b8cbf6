"""Each program comes from the first place that has it, and a warm cache costs nothing."""

from pathlib import Path

import pytest

from sandbox.toolchain import Origin, Phase, Program, Progress, ToolchainError, official, provide
from sandbox.toolchain.cache import OFFICIAL, Cache, recipe
from sandbox.toolchain.programs import Pinned, every_name, pinned

PULUMI = pinned("pulumi")
HOST = pinned("pulumi-language-python")
RANDOM = pinned("pulumi-resource-random")
KUBERNETES = pinned("pulumi-resource-kubernetes")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """An empty cache, on a machine that has no programs, no go, and no network to ask."""
    for name in ("PATH", "KUBEBUILDER_ASSETS", "HOME", "PULUMI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("FLUXHOOKS_OFFLINE", "1")
    return Cache(tmp_path / "cache")


def put(cache: Cache, row: Pinned, key: str, *beside: str) -> Path:
    source = cache.root.parent / "source"
    source.write_text(row.name)
    others = dict.fromkeys(beside, source)
    binary = cache.root.parent / "binary"
    binary.write_text(row.name)
    return cache.put(row, key, binary=binary, beside=others)


def test_a_warm_cache_provides_everything_without_go(cache: Cache) -> None:
    """Go cannot be found here, so it was not started; every run but the first is like this."""
    expected = {}
    for name in every_name():
        row = pinned(name)
        path = put(cache, row, recipe(row))
        expected[name] = Program(name, row.version, path, Origin.BUILT)
    assert expected == provide(every_name(), cache=cache)


def test_a_download_comes_before_a_build(cache: Cache) -> None:
    """What the publisher made is nearer to what users run."""
    put(cache, RANDOM, recipe(RANDOM))
    path = put(cache, RANDOM, OFFICIAL)
    expected = {RANDOM.name: Program(RANDOM.name, RANDOM.version, path, Origin.DOWNLOAD)}
    assert expected == provide([RANDOM.name], cache=cache)


def test_a_downloaded_pulumi_brings_its_language_host(cache: Cache) -> None:
    """CLI and host of one release fit together; the host built here is for the CLI built here."""
    put(cache, HOST, recipe(HOST))
    path = put(cache, PULUMI, OFFICIAL, HOST.name, *HOST.files)
    expected = Program(HOST.name, PULUMI.version, path.parent / HOST.name, Origin.DOWNLOAD)
    assert expected == provide([HOST.name], cache=cache)[HOST.name]


def test_a_built_pulumi_gets_the_built_language_host(cache: Cache) -> None:
    """They are two Go modules and two folders of the cache."""
    put(cache, PULUMI, recipe(PULUMI))
    path = put(cache, HOST, recipe(HOST))
    expected = Program(HOST.name, HOST.version, path, Origin.BUILT)
    assert expected == provide([PULUMI.name, HOST.name], cache=cache)[HOST.name]


def test_why_a_program_on_the_machine_is_not_used_is_told(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has one on PATH expects it to be used."""
    alone = tmp_path / "pulumi"
    alone.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    put(cache, PULUMI, recipe(PULUMI))
    told: list[Progress] = []
    provide([PULUMI.name], report=told.append, cache=cache)
    text = (
        f"not used: {alone} has no pulumi-language-python "
        "and no pulumi-language-python-exec and no pulumi-resource-pulumi-python beside it"
    )
    assert [Progress(PULUMI.name, Phase.NOTE, 0.0, text)] == told


def test_what_only_its_publisher_has_is_an_error_with_the_cure(cache: Cache) -> None:
    """There is nothing to build it from."""
    with pytest.raises(ToolchainError) as error:
        provide([KUBERNETES.name], cache=cache)
    expected = (
        f"{KUBERNETES.name} {KUBERNETES.version} can only be downloaded: "
        f"run `pulumi plugin install resource kubernetes {KUBERNETES.version}`"
    )
    assert expected == str(error.value)


def test_go_that_is_missing_is_one_line_that_names_it(cache: Cache) -> None:
    """It says what is wanted, what is missing and where to get it."""
    with pytest.raises(ToolchainError) as error:
        provide(["etcd", "kube-apiserver"], cache=cache)
    expected = (
        "cannot build etcd, kube-apiserver: Go is not on PATH, "
        "install Go >= 1.26 from https://go.dev/dl/"
    )
    assert expected == str(error.value)


def test_official_never_answers_with_a_build(cache: Cache) -> None:
    """It is asked for where a stand-in, or a build, is the other choice."""
    put(cache, RANDOM, recipe(RANDOM))
    assert official(RANDOM.name, cache=cache) is None
    path = put(cache, RANDOM, OFFICIAL)
    expected = Program(RANDOM.name, RANDOM.version, path, Origin.DOWNLOAD)
    assert expected == official(RANDOM.name, cache=cache)
