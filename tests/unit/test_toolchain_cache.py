"""What the cache keeps is whole, and belongs to this checkout."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.toolchain.cache import OFFICIAL, Cache, default_root, recipe
from sandbox.toolchain.programs import GO, TABLE, pinned

ETCD = pinned("etcd")
RANDOM = pinned("pulumi-resource-random")
GITHUB = pinned("pulumi-resource-github")


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """A copy of the Go modules, to be changed."""
    return shutil.copytree(GO, tmp_path / "go")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param(
            {"FLUXHOOKS_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a", id="own"
        ),
        pytest.param({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/fluxhooks", id="xdg"),
        pytest.param({"HOME": "/c"}, "/c/.cache/fluxhooks", id="home"),
    ],
)
def test_the_cache_lies_where_the_user_wants_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    """The nearest setting wins; without any it is where caches are by custom."""
    for name in ("FLUXHOOKS_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Path(expected) == default_root()


@pytest.mark.parametrize("file", ["go.mod", "go.sum"])
def test_other_modules_make_another_binary(go: Path, file: str) -> None:
    """A dependency decides the binary as much as the program's own version."""
    before = recipe(ETCD, go=go)
    with (go / ETCD.module / file).open("a") as content:
        content.write("\n")
    assert before != recipe(ETCD, go=go)


def test_another_main_makes_another_plugin_but_the_same_etcd(go: Path) -> None:
    """An edit of a plugin of ours must not rebuild programs that come from elsewhere."""
    before = recipe(RANDOM, go=go), recipe(ETCD, go=go)
    with (go / RANDOM.module / RANDOM.package / "main.go").open("a") as content:
        content.write("// edited\n")
    assert before[0] != recipe(RANDOM, go=go)
    assert before[1] == recipe(ETCD, go=go)


def test_other_settings_make_another_binary() -> None:
    """What is set when linking is in the binary, though in no file of the module."""
    assert recipe(ETCD) != recipe(replace(ETCD, variables={"main.version": "2"}))
    assert recipe(ETCD) != recipe(replace(ETCD, cgo=True))


def test_what_was_put_in_is_found_by_the_same_key_only(cache: Cache, tmp_path: Path) -> None:
    """The key says what it was made of."""
    binary = tmp_path / "server"
    binary.write_text("etcd")
    path = cache.put(ETCD, "0123", binary=binary, beside={})
    assert cache.root / "etcd" / f"{ETCD.version}-0123" / "etcd" == path
    assert path == cache.get(ETCD, "0123")
    assert cache.get(ETCD, "4567") is None
    assert cache.get(ETCD, OFFICIAL) is None


def test_what_lies_beside_a_program_is_there_before_it(cache: Cache, tmp_path: Path) -> None:
    """Whoever finds the program starts it at once."""
    binary = tmp_path / "server"
    binary.write_text("etcd")
    with pytest.raises(FileNotFoundError):
        cache.put(ETCD, "0123", binary=binary, beside={"script": tmp_path / "missing"})
    assert cache.get(ETCD, "0123") is None


def test_a_folder_may_lie_beside_a_program(cache: Cache, tmp_path: Path) -> None:
    """Some programs come with their templates."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "home.tmpl").write_text("home")
    (tmp_path / "server").write_text("etcd")
    beside = {"templates": tmp_path / "templates"}
    path = cache.put(ETCD, "0123", binary=tmp_path / "server", beside=beside)
    assert (path.parent / "templates" / "home.tmpl").read_text() == "home"


def test_a_file_that_cannot_be_run_is_no_program(cache: Cache) -> None:
    """It is not one of ours: those get their mode before they get their place."""
    path = cache.path(ETCD, "0123")
    path.parent.mkdir(parents=True)
    path.write_text("half a program")
    path.chmod(0o644)
    assert cache.get(ETCD, "0123") is None


def test_a_new_workshop_removes_what_an_interrupted_build_left(cache: Cache) -> None:
    """Nobody else would."""
    left = cache.workshop("programs")
    (left / "server").write_text("half a program")
    new = cache.workshop("programs")
    assert not left.exists()
    assert [new] == list(new.parent.iterdir())


def test_facts_are_remembered_between_processes(cache: Cache) -> None:
    """The file is all they share."""
    cache.remember("seconds", "package", 0.25)
    cache.remember("versions", "pulumi", "3.259.0")
    assert Cache(cache.root).recall("seconds", "package") == 0.25
    assert Cache(cache.root).recall("versions", "pulumi") == "3.259.0"
    assert Cache(cache.root).recall("versions", "etcd") is None


@pytest.mark.parametrize("damaged", ["", "{", "[]"])
def test_a_damaged_memory_is_forgotten(cache: Cache, damaged: str) -> None:
    """What it held can be found out again; a run must not fail for it."""
    cache.remember("seconds", "package", 0.25)
    (cache.root / "memory.json").write_text(damaged)
    assert cache.recall("seconds", "package") is None
    cache.remember("seconds", "package", 0.5)
    assert cache.recall("seconds", "package") == 0.5


def test_only_what_this_checkout_does_not_use_is_unused(cache: Cache, tmp_path: Path) -> None:
    """Downloads and builds of the pinned versions stay, and so does all that is no program."""
    cache.lock("programs")
    for row, key in ((ETCD, recipe(ETCD)), (RANDOM, OFFICIAL), (GITHUB, "0123")):
        (tmp_path / "binary").write_text(row.name)
        cache.put(row, key, binary=tmp_path / "binary", beside={})
    assert [cache.path(GITHUB, "0123").parent] == cache.unused(TABLE)
