"""The hook path is the one notification-controller serves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks.flux.hook_path import HOOK_PATH, PREFIX, UNKNOWN_PATH, hook_path

_PARTS = st.tuples(st.text(), st.text(), st.text())


def test_flux2s_own_vector() -> None:
    """Token, name and namespace give the path that Flux's own command line prints.

    Source: flux2 ``cmd/flux/testdata/create_secret/receiver/secret-receiver.yaml``.
    """
    path = hook_path("test-token", "receiver-secret", "my-namespace")

    assert "/hook/106120121d366c2f67e93200f6c1dbe938235eb588daa5e8c0516d3a77ac1dee" == path


def test_a_receiver_without_a_secret_has_a_path_too() -> None:
    """The empty token of generic-oidc leaves name and namespace: sha256("ab")."""
    path = hook_path("", "a", "b")

    assert "/hook/fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603" == path


@given(_PARTS)
def test_a_path_is_always_recognised_as_one(parts: tuple[str, str, str]) -> None:
    """Whatever is masked by HOOK_PATH covers every path there can be, wholly."""
    assert HOOK_PATH.fullmatch(hook_path(*parts))


@given(_PARTS, st.text(min_size=1))
def test_another_token_is_another_path(parts: tuple[str, str, str], more: str) -> None:
    """Each rotation changes the URL: no token shares a path with a longer one."""
    token, name, namespace = parts

    assert hook_path(token, name, namespace) != hook_path(more + token, name, namespace)


@given(_PARTS)
def test_parts_are_joined_in_flux_order_without_separators(parts: tuple[str, str, str]) -> None:
    """Flux hashes the plain concatenation, so only the joined text counts."""
    token, name, namespace = parts

    assert hook_path("", "", token + name + namespace) == hook_path(token, name, namespace)


def test_non_ascii_tokens_are_hashed_as_utf_8() -> None:
    """A Secret's bytes are hashed; UTF-8 is what Pulumi writes them in: sha256("é" as c3 a9)."""
    path = hook_path("é", "", "")

    assert "/hook/4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c" == path


def test_the_unknown_path_looks_like_any_other() -> None:
    """The control request for a wrong Service must have the shape of a real path."""
    assert HOOK_PATH.fullmatch(UNKNOWN_PATH)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PREFIX + "0" * 63, id="too short"),
        pytest.param("/hooks/" + "0" * 64, id="another prefix"),
    ],
)
def test_other_paths_are_not_taken_for_hook_paths(text: str) -> None:
    """Masking must not hide what is no credential."""
    assert re.search(HOOK_PATH, text) is None
