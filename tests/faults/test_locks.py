"""Locks hold against another process and never outlive theirs."""

import shutil
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.holder import hold

from grx_pipeline.errors import SessionBusyError
from grx_pipeline.storage.locks import folder_lock, lock_holder, session_lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "barber-2025-r1" / "lock"


def test_a_session_that_another_process_runs_is_busy_and_the_message_names_it(path: Path) -> None:
    with hold(path) as holder:
        with pytest.raises(SessionBusyError, match=rf"barber-2025-r1: process {holder.pid} on "), session_lock(path):
            pass
        assert lock_holder(path) == f"{holder.pid} on {socket.gethostname()}"
        holder.communicate()
    assert lock_holder(path) is None


def test_who_is_ready_to_wait_is_told_for_whom_and_then_holds_it(path: Path) -> None:
    told = []
    with hold(path) as holder:

        def release(text: str) -> None:
            told.append(text)
            holder.communicate()

        with session_lock(path, waiting=release), pytest.raises(SessionBusyError), session_lock(path):
            pass
    where = f"{holder.pid} on {socket.gethostname()}"
    assert told == [f"barber-2025-r1: process {where} is running this session; waiting for it to end"]


def test_who_waits_for_a_session_that_is_removed_holds_the_new_one_s_lock(path: Path) -> None:
    with hold(path) as holder:

        def remove(_: str) -> None:
            shutil.rmtree(path.parent)
            holder.communicate()

        with session_lock(path, waiting=remove):
            assert path.is_file()
            with pytest.raises(SessionBusyError), session_lock(path):
                pass


def test_a_killed_process_leaves_no_lock(path: Path) -> None:
    with hold(path) as holder:
        holder.kill()
        holder.communicate()
    assert lock_holder(path) is None
    with session_lock(path):
        assert path.is_file()


def test_a_lock_can_be_taken_again_after_an_error(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), session_lock(path):
        raise ZeroDivisionError
    with session_lock(path), pytest.raises(SessionBusyError), session_lock(path):
        pass


def test_a_session_without_a_lock_file_is_held_by_nobody(path: Path) -> None:
    assert lock_holder(path) is None


def test_asking_who_holds_a_session_keeps_nobody_from_it(path: Path) -> None:
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            lock_holder(path)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            for _ in range(200):
                with session_lock(path):
                    assert path.is_file()
        finally:
            is_over.set()
    assert asking.exception() is None


def test_a_folder_lock_writes_nothing(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "reports"):
        assert list((tmp_path / "reports").iterdir()) == []
