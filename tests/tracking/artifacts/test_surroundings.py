import shutil
import subprocess

import pytest

from sknn_tricks.tracking.artifacts._surroundings import code, machine, versions

_COMMIT, _OTHER = "a1" * 20, "b2" * 20


@pytest.fixture
def git(tmp_path):
    folder = tmp_path / "code" / ".git"
    (folder / "refs/heads/fix").mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/fix/it\n")
    return folder


def _head(folder):
    found = code(folder)
    return found.get("commit"), found.get("branch")


def test_a_branch(git):
    (git / "refs/heads/fix/it").write_text(_COMMIT + "\n")
    inside = git.parent / "src" / "deep"
    inside.mkdir(parents=True)
    assert _head(git.parent) == _head(inside) == (_COMMIT, "fix/it")


def test_a_packed_branch(git):
    lines = ["# pack-refs with: peeled", f"{_OTHER} refs/heads/fix", f"{_COMMIT} refs/heads/fix/it"]
    (git / "packed-refs").write_text("\n".join(lines))
    assert _head(git.parent) == (_COMMIT, "fix/it")


def test_a_branch_without_a_commit(git):
    assert _head(git.parent) == (None, "fix/it")


def test_a_commit_without_a_branch(git):
    (git / "HEAD").write_text(_COMMIT)
    assert _head(git.parent) == (_COMMIT, None)


def test_no_repository_and_a_broken_one(git, tmp_path):
    assert _head(tmp_path) == (None, None)
    (git / "HEAD").unlink()
    assert _head(git.parent) == (None, None)
    shutil.rmtree(git)
    git.write_bytes(b"\xff\xfe")
    assert _head(git.parent) == (None, None)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_as_git_says_it(tmp_path):
    def ask(*words, where=tmp_path):
        me = ["-c", "user.name=me", "-c", "user.email=me@nowhere"]
        done = subprocess.run(
            ["git", *me, *words], cwd=where, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    ask("init", "-b", "main")
    ask("commit", "--allow-empty", "-m", "first")
    first = ask("rev-parse", "HEAD")
    assert _head(tmp_path) == (first, "main")
    ask("worktree", "add", "-b", "other", "beside")
    ask("commit", "--allow-empty", "-m", "second", where=tmp_path / "beside")
    second = ask("rev-parse", "HEAD", where=tmp_path / "beside")
    assert second != first
    assert _head(tmp_path / "beside") == (second, "other")
    ask("pack-refs", "--all")
    assert _head(tmp_path / "beside") == (second, "other")
    ask("checkout", "--detach")
    assert _head(tmp_path) == (first, None)


def test_no_other_program_is_asked(git, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert code(git.parent)["script"]
    assert machine()["cpus"] > 0
    assert {"python", "sknn-tricks", "scikit-learn", "torch"} <= versions().keys()


def test_a_user_without_a_name(git, monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert "user" not in code(git.parent)
