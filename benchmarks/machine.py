"""What a figure has to be read with: machine, kernel, file system, versions."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def machine(directory: Path) -> dict[str, object]:
    """Describe this machine and the file system that ``directory`` is on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "file system": _file_system(directory),
        "python": platform.python_version(),
        "twisted": version("Twisted"),
        "imapbox": version("imapbox"),
        "commit": _commit(),
    }


def _first(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _file_system(directory: Path) -> str:
    """Return type and options of the mount that ``directory`` is below."""
    found = ("", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        if directory.resolve().is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, f"{kind} ({options})")
    return found[1]


def _commit() -> str:
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"
