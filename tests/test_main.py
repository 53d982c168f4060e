"""The command line, as it is typed."""

import contextlib
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest

from sknn_tricks.__main__ import main
from sknn_tricks.tracking.__main__ import main as main_of_tracking
from sknn_tricks.tracking.stores._store import Store


@contextmanager
def serving(*options):
    """Run the command until it says where to look; yield the process and what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sknn_tricks", "ui", *options],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.startswith("Open "):
                break
        yield process, "".join(lines)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture(autouse=True)
def _alone_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """Make a store without runs."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    Store(uri).open("an experiment")
    return uri


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert re.search(r"ui +show the logged runs in MLflow", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["iu"], "invalid choice: 'iu' (choose from 'ui')"),
        ([], "the following arguments are required: command"),
        (["ui", "--port", "many"], "argument --port: invalid int value: 'many'"),
    ],
)
def test_what_is_not_understood_is_told_with_what_would_be(capsys, typed, said):
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("command", [lambda: main(["ui"]), lambda: main_of_tracking([])])
def test_a_folder_without_a_store_says_so_and_stays_without(tmp_path, command):
    with pytest.raises(SystemExit) as ended:
        command()
    assert ended.value.code == (
        f"There is no store at {tmp_path}/mlruns/mlflow.db yet. Log a fit first: `make demo` does."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_server_needs_no_other(capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@host")
    main(["ui"])
    assert capsys.readouterr().out == "The store is a server: open http://host/#/experiments\n"


@pytest.mark.parametrize("port", [None, 70_000])
def test_a_port_that_cannot_be_had_is_an_error_where_it_was_asked_for(tmp_path, port):
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port, reason = (
            (port, "bind(): port must be 0-65535.")
            if port
            else (
                other.getsockname()[1],
                f"[Errno {errno.EADDRINUSE}] {os.strerror(errno.EADDRINUSE)}",
            )
        )
        with pytest.raises(SystemExit) as ended:
            main(["ui", "--port", str(port), "--tracking-uri", "sqlite:///mlflow.db"])
    assert ended.value.code == (
        f"Port {port} cannot be used. Expected a free port of this machine; got {reason}. "
        "Call with another --port, or end what uses this one."
    )


@pytest.mark.slow
def test_a_file_that_is_no_database_is_an_error(tmp_path):
    (tmp_path / "notes.db").write_text("shopping list")
    with serving("--tracking-uri", "sqlite:///notes.db") as (process, printed):
        assert process.wait(60) == 1
    assert printed.startswith("The MLflow store 'sqlite:///")
    assert "Traceback" not in printed


@pytest.mark.slow
def test_the_page_is_served_on_this_machine_until_ctrl_c(uri):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving("--tracking-uri", uri, "--port", str(port)) as (process, printed):
        assert printed == f"Open http://127.0.0.1:{port}/#/experiments (Ctrl-C ends it)\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert b"<title>MLflow</title>" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stdout.read() == "\n"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.slow
def test_the_next_port_is_taken_where_none_was_asked_for(uri):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody has it already
            other.bind(("127.0.0.1", 5000))
            other.listen()
        with serving("--tracking-uri", uri) as (_, printed):
            found = re.fullmatch(
                r"Port 5000 is taken; this is on (\d+).\n"
                r"Open http://127.0.0.1:(\d+)/#/experiments \(Ctrl-C ends it\)\n",
                printed,
            )
    assert found[1] == found[2] != "5000"
