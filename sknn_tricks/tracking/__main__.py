"""Serve the MLflow UI on the store in use: ``python -m sknn_tricks.tracking [--port 5000]``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from sknn_tricks.tracking._links import experiments_url, ui_command
from sknn_tricks.tracking._store import find_store


def main() -> None:
    """Print the link and become MLflow's server, which listens on this machine only."""
    parser = argparse.ArgumentParser(prog="python -m sknn_tricks.tracking", description=__doc__)
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--tracking-uri", default=None, help="the store; default as in a fit")
    options = parser.parse_args()
    store = find_store(options.tracking_uri)
    command = ui_command(store.uri, store.artifacts)
    if command is None:
        print(f"The store is a server: open {experiments_url(store.uri)}")
        return
    if store.database is not None and not store.database.exists():
        sys.exit(f"There is no store at {store.database} yet. Log a fit first: `make demo` does.")
    print(f"Open {experiments_url(store.uri, options.port)} (Ctrl-C ends it)", flush=True)
    # Its job runner, for language models, would double the time to start.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    _, *arguments = shlex.split(command)
    server = [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1"]
    os.execv(sys.executable, [*server, "--port", str(options.port)])


if __name__ == "__main__":
    main()
