"""Merge requests, as far as a push makes them: what its options say, and what becomes of it.

After GitLab's documentation of push options and what its server does with them; options that
nobody here uses are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.forges.encoding import JsonObject
from sandbox.forges.git import RefUpdate
from sandbox.forges.gitlab.namespaces import ProjectRecord, Site

_OPTION = re.compile(r"([^.]+)\.([^=]+)=?(.*)")
_ALIASES = {"mr": "merge_request"}
_MULTIPLE = {"label", "unlabel", "assign", "unassign"}
_FLAGS = ("draft", "remove_source_branch", "squash", "merge_when_pipeline_succeeds")
_KNOWN = {"create", "description", "label", "target", "title", *_FLAGS}
_MOST_BRANCHES = 10


@dataclass(frozen=True, kw_only=True)
class MergeRequest:
    """One that is open; flags are by their option's name."""

    iid: int
    source: str
    target: str
    sha: str
    title: str
    description: str = ""
    labels: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()


def parse(options: Sequence[str]) -> dict[str, str | list[str]]:
    """Return what the options of a push say of merge requests; an option without a value is "true".

    Raises `NotImplementedError` for one that GitLab knows and nobody here uses.
    """
    found: dict[str, str | list[str]] = {}
    for option in options:
        match = _OPTION.match(option)
        if match is None or _ALIASES.get(match[1], match[1]) != "merge_request":
            continue
        key, value = match[2], match[3].strip('"') or "true"
        if key not in _KNOWN:
            raise NotImplementedError(f"the push option {option!r}: no test has needed it so far")
        if key in _MULTIPLE:
            labels = found.setdefault(key, [])
            assert isinstance(labels, list)
            labels.append(value)
        else:
            found[key] = value
    return found


def made(
    project: ProjectRecord,
    updates: Sequence[RefUpdate],
    options: Mapping[str, str | list[str]],
    *,
    known: Sequence[MergeRequest],
    branches: Sequence[str],
    titles: Mapping[str, str],
) -> tuple[list[MergeRequest], list[str]]:
    """Return the merge requests after a push, and what whoever pushed is warned of.

    `known` are those before it, `branches` those of the project, `titles` the first lines of the
    newest commits, by branch.
    """
    after, complaints = list(known), list[str]()
    pushed = {
        update.short_name: update.after
        for update in updates
        if update.ref.startswith("refs/heads/")
        and not update.deleted
        and update.short_name != project.default_branch
    }
    target = options.get("target")
    if len(pushed) > _MOST_BRANCHES:
        complaints.append(
            f"Too many branches pushed ({len(pushed)} were pushed, limit is {_MOST_BRANCHES})"
        )
    if target is not None and target not in branches:
        complaints.append(f"Target branch {project.target.path}:{target} does not exist")
    if not options or complaints:
        return after, complaints
    for branch, sha in pushed.items():
        at = next((i for i, one in enumerate(after) if one.source == branch), None)
        if at is not None:
            after[at] = _changed(replace(after[at], sha=sha), options)
        elif "create" in options:
            new = MergeRequest(
                iid=len(after) + 1,
                source=branch,
                target=project.default_branch,
                sha=sha,
                title=titles[branch],
            )
            after.append(_changed(new, options))
        else:
            complaints.append(
                "A merge_request.create push option is required to create a merge request for "
                f"branch {branch}"
            )
    return after, complaints


def _changed(one: MergeRequest, options: Mapping[str, str | list[str]]) -> MergeRequest:
    given = {key: value for key, value in options.items() if isinstance(value, str)}
    labels = options.get("label", [])
    return replace(
        one,
        target=given.get("target", one.target),
        title=given.get("title", one.title),
        description=given.get("description", one.description).replace("\\n", "\n"),
        labels=tuple(dict.fromkeys((*one.labels, *labels))),
        flags=one.flags | {flag for flag in _FLAGS if flag in given},
    )


def show(site: Site, project: ProjectRecord, one: MergeRequest) -> JsonObject:
    """One as REST answers it, with the fields that say what a push asked for."""
    draft = "draft" in one.flags
    return {
        "id": 1_000 + one.iid,
        "iid": one.iid,
        "project_id": project.target.id,
        "title": f"Draft: {one.title}" if draft else one.title,
        "description": one.description,
        "state": "opened",
        "source_branch": one.source,
        "target_branch": one.target,
        "source_project_id": project.target.id,
        "target_project_id": project.target.id,
        "labels": list(one.labels),
        "draft": draft,
        "merge_when_pipeline_succeeds": "merge_when_pipeline_succeeds" in one.flags,
        "sha": one.sha,
        "squash": "squash" in one.flags,
        "force_remove_source_branch": "remove_source_branch" in one.flags,
        "web_url": f"{site.root}/{project.target.path}/-/merge_requests/{one.iid}",
    }
