"""pytest -p constellation_guard: writes finished tests down and deselects those of earlier attempts.

Clean under filterwarnings=error: the journal is a bare descriptor, nothing is left open that could warn.
"""

import hashlib
import json
import os
import sys
import time
import zlib

_here = os.path.dirname(os.path.abspath(__file__))


def _leave_path():
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]


_leave_path()
# Last: nothing of the project's is found here instead.
sys.path.append(_here)
_before = os.environ.pop("CONSTELLATION_GUARD_PYTHONPATH", None)
if _before is not None:
    if _before:
        os.environ["PYTHONPATH"] = _before
    else:
        os.environ.pop("PYTHONPATH", None)

_open, _write, _exists, _monotonic, _sleep = os.open, os.write, os.path.exists, time.monotonic, time.sleep
_state = os.environ.get("CONSTELLATION_GUARD_STATE", "")
_root = os.environ.get("CONSTELLATION_GUARD_ROOT", os.getcwd())
_fd = _open(os.environ["CONSTELLATION_GUARD_JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
_longest_hold_s = 1.0


def _append(record):
    # Escaped: what a file is called need not be UTF-8.
    data = json.dumps(record, separators=(",", ":"))[:-1].encode("ascii")
    line = b"\n" + data + b',"sum":"%08x"}' % (zlib.crc32(data) & 0xFFFFFFFF)
    written = _write(_fd, line)
    if written < len(line):
        raise OSError("only %d bytes of a record were taken" % written)


def _draining():
    return _exists(os.path.join(_state, "drain"))


class _File:
    def __init__(self, path):
        inside = os.path.relpath(path, _root)
        self.file = (path if inside.startswith("..") else inside).replace(os.sep, "/")
        try:
            descriptor = _open(path, os.O_RDONLY)
            try:
                digest = hashlib.sha256()
                for block in iter(lambda: os.read(descriptor, 1 << 16), b""):
                    digest.update(block)
            finally:
                os.close(descriptor)
            self.hash = digest.hexdigest()[:16]
        except OSError:
            self.hash = "unreadable"
        self.seen = {}
        self.left = 0
        self.started = False
        self.finished = self._plan()

    def _plan(self):
        name = hashlib.sha256(self.file.encode("utf-8", "replace")).hexdigest()[:24] + ".json"
        path = os.path.join(_state, "plan", name)
        if not _exists(path):
            return set()
        with open(path, encoding="utf-8") as handle:
            plan = json.load(handle)
        if plan["file"] != self.file or plan["hash"] != self.hash:
            return set()
        return {(tuple(path), n) for path, n in plan["finished"]}

    def key(self, path):
        n = self.seen.get(path, 0)
        self.seen[path] = n + 1
        return path, n


class Guard:
    def __init__(self, writes, rootdir):
        self.writes = writes
        self.rootdir = rootdir
        self.files = {}
        self.units = {}
        self.results = {}

    def _file(self, item):
        path = str(getattr(item, "path", None) or item.fspath)
        if path not in self.files:
            self.files[path] = _File(path)
        return self.files[path]

    def pytest_collection_modifyitems(self, config, items):
        kept, gone = [], []
        for item in items:
            file = self._file(item)
            # Several items may share a node id; the id without its file is the title path.
            key = file.key(tuple(item.nodeid.split("::")[1:]) or (item.nodeid,))
            if key in file.finished:
                gone.append(item)
            else:
                kept.append(item)
                file.left += 1
                self.units.setdefault(item.nodeid, []).append((file, key))
        items[:] = kept
        if gone:
            config.hook.pytest_deselected(items=gone)

    def pytest_runtest_protocol(self, item, nextitem):
        file = self._file(item)
        if self.writes and not file.started:
            file.started = True
            _append({"kind": "file", "file": file.file, "hash": file.hash, "pid": os.getpid()})
        until = _monotonic() + _longest_hold_s
        while _exists(os.path.join(_state, "hold")) and _monotonic() < until and not _draining():
            _sleep(0.02)
        if _draining():
            item.session.shouldstop = "the guard is draining"
            return True
        return None

    pytest_runtest_protocol.tryfirst = True

    def pytest_runtest_logreport(self, report):
        if not self.writes or report.outcome == "rerun":
            return
        status, ms, error = self.results.get(report.nodeid, ("passed", 0.0, None))
        ms += report.duration * 1000
        if report.failed:
            status, error = "failed", error or str(report.longrepr)
        elif report.skipped and status == "passed":
            status = "skipped"
        self.results[report.nodeid] = (status, ms, error)
        if report.when != "teardown":
            return
        del self.results[report.nodeid]
        waiting = self.units.get(report.nodeid)
        if not waiting:
            return
        file, (path, n) = waiting.pop(0)
        record = {"kind": "test", "file": file.file, "hash": file.hash, "path": list(path), "n": n, "status": status, "ms": round(ms, 2)}
        if error is not None and status == "failed":
            record["error"] = error[:4000]
        _append(record)
        file.left -= 1
        if file.left == 0:
            _append({"kind": "end", "file": file.file, "hash": file.hash})

    def pytest_collectreport(self, report):
        if self.writes and report.failed:
            # Node ids begin at pytest's own root, which may lie above the project.
            path = os.path.join(self.rootdir, report.nodeid.split("::")[0])
            if os.path.isfile(path):
                file = self.files.setdefault(path, _File(path))
                _append({"kind": "trouble", "file": file.file, "hash": file.hash, "title": report.nodeid, "error": str(report.longrepr)[:4000]})


def pytest_configure(config):
    distributes = bool(getattr(config.option, "numprocesses", None)) or getattr(config.option, "dist", "no") != "no"
    is_worker = hasattr(config, "workerinput")
    # xdist's workers look for plugins where their controller looks; each of them forgets it again.
    if is_worker or not distributes:
        _leave_path()
    rootdir = str(getattr(config, "rootpath", None) or config.rootdir)
    config.pluginmanager.register(Guard(is_worker or not distributes, rootdir), "constellation-guard")
