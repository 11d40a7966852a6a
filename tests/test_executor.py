"""The executor: the same results however many workers run it and wherever; errors in words; an interrupt that leaves nothing behind.

Results are compared exactly: a job carries its seed, and each process calculates with one thread.
"""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from evaluation.errors import UserError
from evaluation.executor import (
    JobFailed,
    _without_words,
    chunks,
    code_version,
    each,
    on_stderr,
)
from tests.conftest import ROOT


def mean_of_draws(chunk):
    draws = np.random.default_rng(chunk.seed).normal(size=(chunk.size, 200))
    return (draws @ draws.T).sum()


def process_of(_):
    time.sleep(0.05)
    return os.getpid(), os.environ.get("OPENBLAS_NUM_THREADS")


def spreads_again(job):
    return os.getpid(), each(process_of, range(3), workers=2), job


def refuses(job):
    if job == 3:
        raise UserError("Job three is not usable.", "작업 3을 쓸 수 없습니다.")
    return job


class Unsendable(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def breaks(job):
    if job == 2:
        raise Unsendable("this", "that")
    return job


def dies(job):
    if job == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def _group(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as found:
        yield found.scheduler_address


def test_chunks_cover_the_draws_and_share_no_seed():
    made = chunks(1_050, 100, 7)
    assert sum(chunk.size for chunk in made) == 1_050 and [chunk.start for chunk in made] == list(range(0, 1_050, 100)) and made[-1].size == 50
    first = [np.random.default_rng(chunk.seed).integers(2**63) for chunk in made]
    assert len(set(first)) == len(made) and first == [np.random.default_rng(chunk.seed).integers(2**63) for chunk in chunks(1_050, 100, 7)]
    assert first[0] != np.random.default_rng(chunks(1_050, 100, 8)[0].seed).integers(2**63)


def test_results_are_the_same_here_and_in_processes():
    jobs = chunks(80, 10, 1)
    here = each(mean_of_draws, jobs, workers=1)
    assert here == each(mean_of_draws, jobs, workers=2) == each(mean_of_draws, jobs)
    # In the order of jobs: no two are alike.
    assert len(set(here)) == len(jobs)


@pytest.mark.slow
def test_results_are_the_same_on_a_dask_cluster(cluster):
    jobs = chunks(80, 10, 1)
    assert each(mean_of_draws, jobs, scheduler=cluster) == each(mean_of_draws, jobs, workers=1)
    told = []
    each(mean_of_draws, jobs, scheduler=cluster, progress=lambda done, of: told.append((done, of)))
    assert told == [(number, 8) for number in range(1, 9)]
    with pytest.raises(UserError, match="Job three"):
        each(refuses, range(6), scheduler=cluster)
    with pytest.raises(JobFailed, match="Unsendable: this and that"):
        each(breaks, range(6), scheduler=cluster)
    with pytest.raises(UserError, match="ended from outside"):
        each(dies, range(3), scheduler=cluster)


@pytest.mark.slow
def test_workers_with_other_code_are_refused(cluster, monkeypatch, tmp_path):
    (tmp_path / "executor.py").write_text("x = 1\n")
    (tmp_path / "impact").mkdir()
    monkeypatch.setattr("evaluation.executor.__file__", str(tmp_path / "executor.py"))
    with pytest.raises(UserError, match="another version"):
        each(mean_of_draws, chunks(2, 1, 1), scheduler=cluster)


@pytest.mark.slow
def test_a_scheduler_without_workers_is_refused():
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, dashboard_address=":0") as found, pytest.raises(UserError, match="has no workers"):
        each(mean_of_draws, chunks(2, 1, 1), scheduler=found.scheduler_address)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere-at-all.invalid:8786", "magic://host:1", "tcp://127.0.0.1"])
def test_no_scheduler_there_is_said_within_seconds(address):
    began = time.monotonic()
    with pytest.raises(UserError, match="No Dask scheduler answers"):
        each(mean_of_draws, chunks(2, 1, 1), scheduler=address)
    assert time.monotonic() - began < 12


def test_without_dask_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="pip install"):
        each(mean_of_draws, chunks(2, 1, 1), scheduler="tcp://127.0.0.1:8786")


def test_processes_are_started_for_long_work_only_with_one_thread_each():
    assert {pid for pid, _ in each(process_of, range(4))} == {os.getpid()}
    found = each(process_of, range(8), workers=2)
    assert len({pid for pid, _ in found}) == 2 and os.getpid() not in {pid for pid, _ in found} and {threads for _, threads in found} == {"1"}


def test_work_within_a_job_does_not_spread_again():
    for pid, inner, _ in each(spreads_again, range(2), workers=2):
        assert {other for other, _ in inner} == {pid}


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_keep_their_words(workers):
    with pytest.raises(UserError, match="Job three") as told:
        each(refuses, range(6), workers=workers)
    assert told.value.ko == "작업 3을 쓸 수 없습니다."
    with pytest.raises(JobFailed, match="Unsendable: this and that") as failed:
        each(breaks, range(6), workers=workers)
    assert "in breaks" in failed.value.__notes__[0]


def test_a_killed_worker_is_said():
    with pytest.raises(UserError, match="ended from outside"):
        each(dies, range(3), workers=2)


@pytest.mark.slow
def test_an_interrupt_ends_at_once_and_leaves_no_process(tmp_path):
    script = tmp_path / "long.py"
    script.write_text("import time\nfrom evaluation.executor import each\nif __name__ == '__main__':\n    print('go', flush=True)\n    each(time.sleep, [30.0] * 4, workers=2)\n")
    run = subprocess.Popen([sys.executable, script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert run.stdout.readline() == "go\n"
    time.sleep(2)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to all of them
    began = time.monotonic()
    _, told = run.communicate(timeout=20)
    assert time.monotonic() - began < 5 and run.returncode not in (0, None)
    # Only the main process says anything, where nobody catches the interrupt.
    assert "KeyboardInterrupt" in told and "SpawnProcess" not in told
    time.sleep(1)
    left = [process for process in psutil.process_iter(["status"]) if process.info["status"] != psutil.STATUS_ZOMBIE and _group(process.pid) == run.pid]
    assert not left


def test_progress_is_told_after_a_second_on_standard_error(capsys):
    silent = on_stderr("samples")
    silent(1, 3)
    silent(3, 3)
    assert capsys.readouterr().err == ""
    told = on_stderr("samples", after=0)
    told(1, 3)
    told(2, 3)
    told(3, 3)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and "1" in lines[0] and "3" in lines[1]


def test_code_version_minds_code_and_not_words(tmp_path, monkeypatch):
    monkeypatch.setattr("evaluation.executor.__file__", str(tmp_path / "executor.py"))
    place = tmp_path / "impact"
    place.mkdir()
    versions = []
    for text in ('"""Words."""\nx = 1\n', '"""Other words."""\n\nx = 1  # more\n', '"""Words."""\nx = 2\n', 'x = "1"\n'):
        (place / "one.py").write_text(text)
        versions.append(code_version("impact"))
    assert versions[0] == versions[1] and len(set(versions)) == 3
    # Known by hand, so that every version of Python must give the same: they cut f-strings in different ways.
    text = '"""Words\nof two lines."""\n\nimport a  # why\n\n\ndef f(x):\n    """What."""\n    # how\n    return f"{x:.2f} {{#}} {a.b}"  # so\n'
    assert _without_words(text) == 'import a\ndef f(x):\n    return f"{x:.2f} {{#}} {a.b}"'
