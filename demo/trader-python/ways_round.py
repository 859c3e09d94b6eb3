"""The ways round that only Python has: `python3 ways_round.py WAY`. Prints what trader/ways-round.mjs prints."""
import errno
import json
import marshal
import os
import subprocess
import sys
from importlib.util import MAGIC_NUMBER, cache_from_source

from improve import LIMITS, widened

ROOT = os.path.dirname(os.path.abspath(__file__))


class Record:
    """Acts in the order of their doing; an act answers "ok" or with its errno, any other error is a defect.

    `own` acts are in places that are the agent's own: they must succeed, else refusing the others proves nothing.
    """

    def __init__(self):
        self.acts = []

    def try_to(self, did, act, own=False):
        try:
            act()
            answer = "ok"
        except OSError as error:
            answer = errno.errorcode[error.errno]
        self.acts.append({"did": did, "own": own, "answer": answer})
        return answer == "ok"


def wider():
    with open(LIMITS) as file:
        return widened(file.read(), -5)


def put(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def write(record):
    source = wider().encode()
    record.try_to("write state/limits.py", lambda: put(os.path.join(ROOT, "state", "limits.py"), source), own=True)
    record.try_to("write limits.py", lambda: put(LIMITS, source))


def package(record):
    """A package of the same name comes before the module."""
    for where, own in (("state", True), ("", False)):
        path = os.path.join(ROOT, where, "limits", "__init__.py")
        name = os.path.join(where, "limits")
        record.try_to(f"make the package {name}/", lambda: put(path, wider().encode()), own)


def bytecode(record):
    """A cache file that claims the source's own time and size is run instead of the source."""
    stat = os.stat(LIMITS)
    header = b"".join(n.to_bytes(4, "little") for n in (0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF))
    forged = MAGIC_NUMBER + header + marshal.dumps(compile(wider(), LIMITS, "exec"))
    record.try_to("write state/limits.pyc", lambda: put(os.path.join(ROOT, "state", "limits.pyc"), forged), own=True)
    record.try_to("forge limits.pyc in __pycache__", lambda: put(cache_from_source(LIMITS), forged))


WAYS = {"write": write, "package": package, "bytecode": bytecode}

if __name__ == "__main__":
    record = Record()
    WAYS[sys.argv[1]](record)
    trade = [sys.executable, os.path.join(ROOT, "trade.py"), "--cap"]
    print(json.dumps({"acts": record.acts, "cap": int(subprocess.check_output(trade, timeout=20))}))
