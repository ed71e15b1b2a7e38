"""What a table of speeds says about where it was made."""

import os
import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def example(name):
    """Where cargo puts an example of the release profile."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "release" / "examples" / f"{name}{'.exe' if os.name == 'nt' else ''}"


def machine():
    model, flags = platform.processor(), ""
    try:
        text = Path("/proc/cpuinfo").read_text()
        numbers = [re.search(rf"^{key}\s*: (.*)$", text, re.M)[1] for key in ("model name", "cpu family", "model")]
        model = "{} (family {}, model {})".format(*numbers)
        flags = re.search(r"^flags\s*: (.*)$", text, re.M)[1].split()
        flags = ", ".join(f for f in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if f in flags)
    except (OSError, TypeError):
        pass
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, AttributeError):
        system = platform.system()
    return f"{model}, {flags or 'flags unknown'}; {cores()} cores; {system}, {platform.system()} {platform.release()}"


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def git_commit():
    command = ["git", "-C", ROOT, "describe", "--always", "--dirty"]
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return found.stdout.strip() or "unknown"


def rustc():
    try:
        return subprocess.run(["rustc", "--version"], stdout=subprocess.PIPE, text=True).stdout.split()[1]
    except (OSError, IndexError):
        return "unknown"
