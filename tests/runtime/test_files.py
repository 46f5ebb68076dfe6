"""Atomic writes: synced, locked while they are written, cleaned up after killed processes, and one rename."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.runtime import files, renaming
from zoo.runtime.errors import UserError
from zoo.runtime.leftovers import remove_leftovers
from zoo.runtime.locks import LockedError, is_locked, lock_file, process_exists

ENDED = 2**22 + 1  # above the largest number of a process on Linux


def write_folder(path, text, **options):
    with files.atomic_folder(path, **options) as partial:
        (partial / "text").write_text(text)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["exchange", "two renames"])
def system(request, monkeypatch):
    """With `renameat2`, and without."""
    if request.param == "two renames":
        monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    return request.param


def test_a_folder_replaces_another_one(tmp_path, system):
    for text in ("old", "new"):
        write_folder(tmp_path / "m", text)
        assert (tmp_path / "m" / "text").read_text() == text
        assert names(tmp_path) == ["m"]


def test_a_folder_of_another_process_may_stay(tmp_path):
    with files.atomic_folder(tmp_path / "m", replace=False):
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "text").write_text("first")
    assert (tmp_path / "m" / "text").read_text() == "first"
    assert names(tmp_path) == ["m"]


def test_a_folder_replaces_a_file(tmp_path, system):
    (tmp_path / "m").write_text("a file")
    write_folder(tmp_path / "m", "new")
    assert (tmp_path / "m" / "text").read_text() == "new"
    assert names(tmp_path) == ["m"]


def test_what_fails_leaves_the_old_folder(tmp_path):
    write_folder(tmp_path / "m", "old")
    with pytest.raises(ZeroDivisionError), files.atomic_folder(tmp_path / "m") as partial:
        (partial / "text").write_text(str(1 / 0))
    assert (tmp_path / "m" / "text").read_text() == "old"
    assert names(tmp_path) == ["m"]


def test_the_exchange_has_no_moment_without_a_folder(tmp_path):
    """Another process reads the folder while it is replaced again and again."""
    if renaming._renameat2() is None:
        pytest.skip("a system without renameat2")
    write_folder(tmp_path / "m", "0")
    script = f"import pathlib\nwhile True: pathlib.Path({str(tmp_path / 'm' / 'text')!r}).read_text()"
    reader = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    for number in range(200):
        write_folder(tmp_path / "m", str(number))
    assert reader.poll() is None
    reader.kill()
    reader.wait()


def test_links_are_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "text").read_text() == "text"
    (tmp_path / "file.txt").symlink_to("target.txt")
    files.write_text(tmp_path / "file.txt", "text")
    assert (tmp_path / "target.txt").read_text() == "text"
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(UserError, match="circle, which leads to itself"):
        files.write_text(tmp_path / "circle", "text")
    assert names(tmp_path) == ["circle", "file.txt", "link", "real", "target.txt"]


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    for name in (f".m.{ENDED}.partial", f".other.{ENDED}.partial", ".m.1.partial", ".m.txt.partial", f"m.{ENDED}.old"):
        (tmp_path / name).mkdir()
    (tmp_path / f".m.{os.getpid()}.partial").write_text("of a process with the same number")
    remove_leftovers(tmp_path, "m")
    assert names(tmp_path) == [".m.1.partial", ".m.txt.partial", f".other.{ENDED}.partial", f"m.{ENDED}.old"]
    remove_leftovers(tmp_path)
    assert f".other.{ENDED}.partial" not in names(tmp_path)
    (tmp_path / f".file.{ENDED}.partial").write_text("half")
    files.write_text(tmp_path / "file", "text")
    assert f".file.{ENDED}.partial" not in names(tmp_path)


def test_an_old_folder_gets_its_name_back(tmp_path):
    for name in (f".m.{ENDED}.old", f".m.{ENDED}.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "text").write_text(name)
    remove_leftovers(tmp_path, "m")
    assert names(tmp_path) == ["m"]
    assert (tmp_path / "m" / "text").read_text() == f".m.{ENDED}.old"
    (tmp_path / f".m.{ENDED}.old").mkdir()
    remove_leftovers(tmp_path, "m")
    assert names(tmp_path) == ["m"]


SLOW_WRITER = """
import pathlib, sys, time
from zoo.runtime.files import atomic_folder
with atomic_folder(sys.argv[1]) as folder:
    (folder / "text").write_text("x")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_another_process_removes_nothing_of_one_that_writes(tmp_path):
    writer = subprocess.Popen([sys.executable, "-c", SLOW_WRITER, str(tmp_path / "m")], stdout=subprocess.PIPE)
    assert writer.stdout
    writer.stdout.readline()
    (partial,) = names(tmp_path)
    as_if_of_another_container = tmp_path / f".m.{ENDED}.partial"  # where the writer's number is not known
    (tmp_path / partial).rename(as_if_of_another_container)
    remove_leftovers(tmp_path)
    assert (as_if_of_another_container / "text").read_text() == "x"
    as_if_of_another_container.rename(tmp_path / partial)
    writer.kill()
    writer.communicate()
    assert names(tmp_path) == [partial]
    write_folder(tmp_path / "m", "new")
    assert names(tmp_path) == ["m"]


def test_all_is_synced_before_it_is_renamed(tmp_path, monkeypatch):
    """What a power cut would lose: every file, every folder, and the names of both."""
    synced = set()
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.add(os.fstat(descriptor).st_ino))
    write = Path.rename

    def rename(self, target):
        lost = [path for path in [self, *self.rglob("*")] if path.stat().st_ino not in synced]
        assert not lost
        return write(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with files.atomic_folder(tmp_path / "new" / "m") as partial:
        (partial / "logs").mkdir()
        (partial / "logs" / "events").write_text("x")
        (partial / "text").write_text("x")
    for path in [tmp_path, tmp_path / "new"]:
        assert path.stat().st_ino in synced
    synced.clear()
    files.write_text(tmp_path / "file", "x")
    assert {tmp_path.stat().st_ino, (tmp_path / "file").stat().st_ino} <= synced


def test_a_locked_file(tmp_path):
    path = tmp_path / "lock"
    path.write_text(f"{ENDED}\n")  # of a process that was killed
    with lock_file(path):
        assert path.read_text() == f"{os.getpid()}\n"
        assert is_locked(path)
        with pytest.raises(LockedError) as error, lock_file(path):
            pass
        assert error.value.process == os.getpid()
    assert not path.exists()
    assert not is_locked(path)


def test_a_lock_ends_with_its_process(tmp_path):
    script = "import sys, time, pathlib\nfrom zoo.runtime.locks import lock_file\n"
    script += "with lock_file(pathlib.Path(sys.argv[1])):\n    print('ready', flush=True)\n    time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "lock")], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    with pytest.raises(LockedError) as error, lock_file(tmp_path / "lock"):
        pass
    assert error.value.process == process.pid
    assert process_exists(process.pid)
    process.kill()
    process.communicate()
    assert not process_exists(process.pid)
    with lock_file(tmp_path / "lock"):
        pass


RACER = """
import sys, time, numpy as np
from pathlib import Path
from zoo.data.examples import ArrayStore, is_intact, save
slow, rounds, start = float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
rename = Path.rename
Path.rename = lambda self, to: (time.sleep(slow * np.random.rand()), rename(self, to))[1]
rows = [{"tokens": np.arange(20, dtype="int32")} for _ in range(20)]
for number in range(rounds):
    while time.time() < start + number * 0.1: pass
    folder = Path(sys.argv[1], str(number))
    if not is_intact(folder):
        save(folder, rows, folder.exists())
    assert len(ArrayStore(folder).row("tokens", 3)) == 20
"""


@pytest.mark.parametrize("slow", [0, 0.003])
def test_two_writers_of_one_cache_both_end_well(tmp_path, slow):
    start = time.time() + 4
    arguments = [sys.executable, "-c", RACER, str(tmp_path), str(slow), "15", str(start)]
    writers = [subprocess.Popen(arguments, stderr=subprocess.PIPE) for _ in range(2)]
    errors = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], errors
    assert names(tmp_path) == sorted(map(str, range(15)))


KILLS = """
import os, signal, sys
from pathlib import Path
from zoo.runtime import files, renaming
from zoo.runtime.leftovers import remove_leftovers

home, exchanges = Path(sys.argv[1]), sys.argv[2] == "exchange"
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.fsync"}
if not exchanges:
    renaming._renameat2 = lambda: None


def write(text):
    with files.atomic_folder(home / "m") as folder:
        for name in ("a", "b"):
            (folder / name).write_text(text)
        files.write_text(folder / "c", text)


def killed_before(number):
    '''Whether a process was killed before that event of `write`.'''
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    seen = [0]

    def kill(event, arguments):
        if event in EVENTS and (event == "os.fsync" or str(home) in str(arguments[:2])):
            seen[0] += 1
            if seen[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)

    fsync = os.fsync
    os.fsync = lambda descriptor: (kill("os.fsync", ()), fsync(descriptor))
    sys.addaudithook(kill)
    write("new")
    os._exit(0)


def content():
    return {path.read_text() for path in (home / "m").iterdir()}


write("old")
number = 1
while killed_before(number):
    if not exchanges:
        remove_leftovers(home, "m")  # as the next process does
    assert content() in ({"old"}, {"new"}), number
    assert len(list((home / "m").iterdir())) == 3
    write("old")
    assert content() == {"old"}
    assert [path.name for path in home.iterdir()] == ["m"], number
    number += 1
print(number)
"""


def test_kill_9_before_each_event_of_a_replacement(tmp_path, system):
    """A process is killed before its first, second, ... file-system event: the folder is the old or the new one."""
    command = [sys.executable, "-c", KILLS, str(tmp_path), system]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 20
