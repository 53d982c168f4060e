import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def start(uri, tmp_path):
    """Start ``search.py`` in a process of its own, which has ended when the test has."""
    processes = []

    def run(name, what):
        script = Path(__file__).with_name("search.py")
        process = subprocess.Popen(
            [sys.executable, str(script), uri, str(tmp_path), name, what],
            # with the order of this process's path: the package need not be installed
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def wait_until():
    def wait(is_so, process):
        deadline = time.monotonic() + 120
        while not is_so():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"it did not come so far: {process.communicate()[1]}")
            time.sleep(0.05)

    return wait
