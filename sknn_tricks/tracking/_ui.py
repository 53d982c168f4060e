"""The command that shows the runs: MLflow's own page, on the store in use, on this machine only."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import webbrowser

from sknn_tricks._messages import message
from sknn_tricks.tracking.stores._links import HOST, experiments_url, is_server
from sknn_tricks.tracking.stores._store import Store, find_store

_FIRST_PORT = 5000
_PORTS_TO_TRY = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "--port",
        type=int,
        help=f"the port of this machine; default: the first that is free from {_FIRST_PORT}",
    )
    parser.add_argument(
        "--tracking-uri",
        help="the store; default: MLFLOW_TRACKING_URI, else mlruns/mlflow.db in this folder",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")


def run(options: argparse.Namespace) -> None:
    """Serve the store until Ctrl-C, and say where to look.

    Parameters
    ----------
    options : argparse.Namespace
        What was read by a parser with `add_options`.

    Raises
    ------
    SystemExit
        If there is no store yet, it cannot be read, or the port is taken.
    """
    store = find_store(options.tracking_uri)
    if is_server(store.uri):
        print(f"The store is a server: open {experiments_url(store.uri)}")
        return
    if store.database is not None and not store.database.exists():
        sys.exit(f"There is no store at {store.database} yet. Log a fit first: `make demo` does.")
    with _bind(options.port) as listener:
        _serve(store, listener, opens=options.open)


def _serve(store: Store, listener: socket.socket, *, opens: bool) -> None:
    from sknn_tricks.tracking import _mlflow_server

    try:
        page = _mlflow_server.prepare(store)
    except RuntimeError as error:
        sys.exit(str(error))
    link = f"http://{HOST}:{listener.getsockname()[1]}/{page}"

    def announce() -> None:
        print(f"Open {link} (Ctrl-C ends it)", flush=True)
        if opens:
            webbrowser.open(link)

    _mlflow_server.serve(listener, announce)


def _bind(port: int | None) -> socket.socket:
    """Take the port that was asked for, else the first that is free."""
    ports = range(_FIRST_PORT, _FIRST_PORT + _PORTS_TO_TRY) if port is None else [port]
    for candidate in ports:
        listener = socket.socket()
        if os.name == "posix":  # elsewhere this would share a port that is in use
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()  # till then another process may take the same
        except (OSError, OverflowError) as error:
            listener.close()
            reason = error
        else:
            if candidate != ports[0]:
                print(f"Port {ports[0]} is taken; this is on {candidate}.")
            return listener
    sys.exit(
        message(
            f"Port {ports[0]} cannot be used",
            expected="a free port of this machine",
            got=str(reason),
            todo="Call with another --port, or end what uses this one",
        )
    )
