#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Repositories that are none, empty, of foreign forms, damaged, of others, and policies that are missing or break: what berth and berthd say."""
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hostile import BERTH_YAML, World, main  # noqa: E402


def refused_on_screen(world, pattern, folder=None):
    """The dashboard either shows the reason, or prints it and ends with a failure."""
    screen = world.screen(folder=folder)
    try:
        text = screen.wait(pattern)
        if "Q" in text or screen.pid:
            screen.type("Q")
        screen.ended()
        screen.judge()
    finally:
        screen.free()


def a_folder_that_is_no_repository_is_said():
    world = World("none", init=False)
    os.makedirs(world.app, exist_ok=True)
    for verb in (["envs"], ["branches"], ["deploy", "x"], ["check"], ["doctor"], ["why", "deploy", "x"]):
        said = world.berth(*verb)
        assert "berth.yaml" in said or "repository" in said, f"{verb}: {said}"
    refused_on_screen(world, "berth.yaml|not a git repository")


def a_policy_outside_of_a_repository_is_said():
    world = World("outside", init=False)
    world.write("berth.yaml", BERTH_YAML)
    world.says("not a git repository", "envs", wanted=1)
    world.says("not a git repository", "deploy", "x", wanted=1)
    refused_on_screen(world, "not a git repository")


def a_repository_without_a_branch_is_said():
    world = World("unborn")
    world.write("berth.yaml", BERTH_YAML)
    world.says("no berth.yaml was read|no branch", "envs", wanted=1)
    world.says("no berth.yaml was read|no branch", "branches", wanted=1)
    refused_on_screen(world, "no branch|no berth.yaml|commit")


def a_policy_that_is_missing_is_said_and_read_when_it_comes():
    world = World("missing")
    world.write("readme", "nothing\n")
    world.commit("no policy")
    world.write("berth.yaml", BERTH_YAML)
    world.says("berth.yaml", "envs", wanted=1)
    refused_on_screen(world, "berth.yaml")
    world.usual()
    world.branch("later")
    world.wait_says("later", "branches")
    world.deploy("later", wanted=0)


def a_policy_that_breaks_leaves_the_old_one_and_says_why():
    world = World("breaks")
    world.usual()
    world.branch("one")
    world.deploy("one", wanted=0)
    screen = world.screen(rows=50, columns=200)
    try:
        screen.wait("review/one")
        world.write("berth.yaml", BERTH_YAML.replace("tier: review", "tier: stagin").replace("target: here", "target: nowhere"))
        world.commit("break the policy")
        world.wait_says("berth.yaml:.*tier", "doctor")
        said = world.says("review/one", "envs", wanted=0)
        assert re.search(r"stays in force, a newer one was not taken: berth.yaml:\d+:\d+: tier", said), said
        screen.wait(r"the old one stays: berth.yaml:\d+:\d+: tier")
        world.deploy("one", wanted=0)
        world.usual()
        screen.quit()
    finally:
        screen.free()
    world.audit_is_whole()


def a_policy_that_vanishes_leaves_the_old_one():
    world = World("vanishes")
    world.usual()
    world.branch("one")
    world.deploy("one", wanted=0)
    world.git("rm", "-q", "berth.yaml")
    world.commit("no policy any more")
    world.write("berth.yaml", BERTH_YAML)
    world.wait_says("berth.yaml", "doctor")
    world.says("review/one", "envs", wanted=0)
    world.deploy("one", wanted=0)


def foreign_form(name, pattern):
    world = World(name, init=False)
    os.makedirs(world.app, exist_ok=True)
    if name == "sha256":
        world.git("init", "-q", "--object-format=sha256")
        world.usual()
    else:
        world.git("init", "-q")
        world.usual()
        world.git("config", "core.repositoryformatversion", "1")
        world.git("config", "extensions.refstorage", "reftable")
    world.says(pattern, "envs", wanted=1)
    world.says(pattern, "doctor")
    refused_on_screen(world, pattern)


def a_repository_with_sha256_objects_is_refused_with_that_reason():
    foreign_form("sha256", "SHA-256")


def a_repository_with_a_reftable_is_refused_with_that_reason():
    foreign_form("reftable", "reftable")


def a_linked_and_detached_work_tree_serves_as_its_repository():
    world = World("worktree")
    world.usual()
    world.branch("one")
    tree = os.path.join(world.root, "linked")
    world.git("worktree", "add", "-q", "--detach", tree, "one")
    world.wait_says("one", "branches", folder=tree)
    world.git("checkout", "-q", "--detach")
    world.wait_says("one", "branches")
    world.deploy("one", wanted=0)


def a_bare_repository_is_read_by_its_url():
    world = World("bare")
    world.usual()
    world.branch("one")
    bare = os.path.join(world.root, "bare.git")
    world.git("clone", "-q", "--bare", world.app, bare)
    work = os.path.join(world.root, "work")
    os.makedirs(work)
    policy = BERTH_YAML.replace("url: .", f"url: {bare}")
    world.write("berth.yaml", policy)
    world.commit("policy of the bare one")
    world.git("push", "-q", bare, "main")
    with open(os.path.join(work, "berth.yaml"), "w", encoding="utf-8") as file:
        file.write(policy)
    world.wait_says("one", "branches", folder=work)
    world.berth("deploy", "one", "--wait", "--timeout", "40s", folder=work, wanted=0, bound=60)
    # Standing in the bare repository itself there is no work tree to hold a berth.yaml: it is said.
    world.says("berth.yaml", "envs", folder=bare)


def a_repository_of_another_user_is_refused():
    world = World("other")
    world.usual()
    if os.getuid() != 0:
        return "only root can give a repository away"
    for folder, names, files in os.walk(world.app):
        for name in [folder] + [os.path.join(folder, name) for name in names + files]:
            os.lchown(name, 4711, 4711)
    world.says("belongs to another user", "envs", wanted=1)
    refused_on_screen(world, "another user")
    return None


def damage(world, revision):
    """Makes the object of a revision unreadable."""
    name = world.git("rev-parse", revision).decode()
    path = os.path.join(world.app, ".git/objects", name[:2], name[2:])
    os.chmod(path, 0o644)
    with open(path, "r+b") as file:
        file.write(b"this is no object")
    return name


def a_corrupt_object_spoils_its_branch_alone():
    world = World("corrupt")
    world.usual()
    world.branch("good")
    world.branch("spoilt", subject="spoilt commit")
    world.branch("halftree", [("big/file", "x\n")])
    damage(world, "spoilt")
    damage(world, "halftree:big/file")
    world.branch("dangling")
    world.write(".git/refs/heads/dangling", "1234567890123456789012345678901234567890\n")
    said = world.wait_says("good", "branches")
    world.deploy("good", wanted=0)
    for branch, reason in (("spoilt", "the commit of 'spoilt' cannot be read"), ("halftree", "is not whole"),
                           ("dangling", "the commit of 'dangling' cannot be read")):
        said = world.deploy(branch, wanted=1)
        assert reason in said, said
    world.says("OK.*good", "envs")
    world.audit_is_whole()
    screen = world.screen(words=["--view", "branches"])
    try:
        screen.wait("good")
        screen.quit()
    finally:
        screen.free()


def branches_that_vanish_take_no_environment_with_them():
    world = World("emptied")
    world.usual(policy=BERTH_YAML.replace("    on_failure: hold\n", "    on_failure: hold\n    destroy_with_branch: { after: 1h }\n"))
    for name in ("one", "two"):
        world.branch(name)
        world.deploy(name, wanted=0)
    screen = world.screen(rows=40, columns=120)
    try:
        screen.wait("review/one")
        # Half of the listing is gone, then the repository itself, then it is back.
        world.git("branch", "-q", "-D", "two")
        world.wait_says(r"(?m)^(?!.*\btwo\b)", "branches")
        away = world.app + ".away"
        os.rename(world.app, away)
        os.makedirs(world.app)
        shutil.copy(os.path.join(away, "berth.yaml"), world.app)
        said = world.berth("envs")
        assert "review/one" in said and "review/two" in said, said
        world.wait_says("not a git repository", "doctor")
        said = world.says("review/one", "envs")
        assert "Destroy" not in said, said
        os.unlink(os.path.join(world.app, "berth.yaml"))
        os.rmdir(world.app)
        os.rename(away, world.app)
        world.wait_says("one", "branches")
        world.says("review/one", "envs", wanted=0)
        screen.quit()
    finally:
        screen.free()
    world.audit_is_whole()


if __name__ == "__main__":
    main([
        a_folder_that_is_no_repository_is_said,
        a_policy_outside_of_a_repository_is_said,
        a_repository_without_a_branch_is_said,
        a_policy_that_is_missing_is_said_and_read_when_it_comes,
        a_policy_that_breaks_leaves_the_old_one_and_says_why,
        a_policy_that_vanishes_leaves_the_old_one,
        a_repository_with_sha256_objects_is_refused_with_that_reason,
        a_repository_with_a_reftable_is_refused_with_that_reason,
        a_linked_and_detached_work_tree_serves_as_its_repository,
        a_bare_repository_is_read_by_its_url,
        a_repository_of_another_user_is_refused,
        a_corrupt_object_spoils_its_branch_alone,
        branches_that_vanish_take_no_environment_with_them,
    ])
