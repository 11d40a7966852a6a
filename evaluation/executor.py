"""One way to spread heavy work (simulations, reassignments, bootstraps): over local processes, or over a Dask cluster.

    jobs -> `each(function, jobs)` -> results in the order of jobs

The same jobs give the same results wherever they run: a job carries its own seed (`chunks`), and how many workers there are decides on
nothing but time. Work inside a job never spreads again.
"""

import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from evaluation.errors import UserError, say

# Starting processes costs seconds, since each loads the libraries anew: below this, work is done at once here.
WORTH_IT = 5.0  # seconds of work left
TRIED = 1.0  # seconds after which what is left is judged by what is done
CONNECTING = 8  # seconds that a scheduler has to answer
SENT = ("executor.py", "impact")  # whose code workers must share
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_inside: ContextVar[bool] = ContextVar("inside", default=False)


class JobFailed(RuntimeError):
    """A job ended with an error that no user can mend; its text, and where it arose in `__notes__`."""


@dataclass(frozen=True)
class Chunk:
    """Some of many draws: `size` of them from number `start` on, and the `seed` of this chunk, which no other has."""

    start: int
    size: int
    seed: Any  # numpy.random.SeedSequence; not named here, so that nothing heavy is loaded


@dataclass(frozen=True)
class _Failure:
    error: UserError | None
    text: str
    trace: str


def chunks(draws: int, size: int, seed: int) -> list[Chunk]:
    """Draws in chunks of `size`, each with a child of the seed: what is drawn depends on these three numbers only.

    `numpy.random.default_rng(chunk.seed)` is the chunk's generator. A size that hangs on the number of workers would give other
    draws on another machine: give a constant.
    """
    from numpy.random import SeedSequence

    if draws < 1 or size < 1:
        raise ValueError(f"draws and size must be 1 or more: {draws}, {size}")
    starts = range(0, draws, size)
    return [Chunk(start, min(size, draws - start), child) for start, child in zip(starts, SeedSequence(seed).spawn(len(starts)), strict=True)]


def each(
    function: Callable[[Any], Any], jobs: Iterable[Any], scheduler: str | None = None, workers: int | None = None, progress: Callable[[int, int], None] | None = None
) -> list[Any]:
    """Call a function with each job.

    Args:
        function: of a module, so that other processes find it; jobs: what it takes, to be sent to them.
        scheduler: address of a Dask scheduler, such as tcp://host:8786; None for processes on this machine.
        workers: processes on this machine; None for one on each core, and only where the work takes seconds. 1 is this process itself.
        progress: told how many jobs are done, of how many; see `on_stderr`.

    Returns:
        results in the order of jobs.

    Raises:
        UserError: one that a job raised, as it is; a scheduler that does not answer, has no workers, or workers with other code; a
            process that was killed.
        JobFailed: any other error of a job, with its text.
    """
    jobs = list(jobs)
    told = progress or (lambda done, of: None)
    if _inside.get():
        return [function(job) for job in jobs]
    if scheduler:
        return _on_dask(function, jobs, scheduler, told)
    cores = workers if workers is not None else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    done: list[Any] = []
    if workers is None or min(cores, len(jobs)) < 2:
        began = time.monotonic()
        for job in jobs:
            done.append(_result(_run(function, job)))
            told(len(done), len(jobs))
            spent, left = time.monotonic() - began, len(jobs) - len(done)
            if min(cores, left) > 1 and spent > TRIED and spent / len(done) * left > WORTH_IT:
                break
    if len(done) == len(jobs):
        return done
    return done + _in_processes(function, jobs[len(done) :], min(cores, len(jobs) - len(done)), lambda more, _: told(len(done) + more, len(jobs)))


def on_stderr(what: str, after: float = 1.0, every: float = 10.0) -> Callable[[int, int], None]:
    """A `progress` that says on standard error how far the work is, once it takes longer than `after` seconds: in one line of a terminal,
    else every so many seconds."""
    began = time.monotonic()
    last = [began + after - (0 if sys.stderr.isatty() else every)]

    def told(done: int, of: int) -> None:
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if now - began < after or (now - last[0] < (0.2 if terminal else every) and done < of):
            return
        last[0] = now
        left = (now - began) / done * (of - done)
        line = say(f"{what}: {done} of {of}, about {left:.0f} s left", f"{what}: {of}건 중 {done}건, 약 {left:.0f}초 남음")
        print(f"\r\033[K{line}" if terminal else line, end="\n" if done == of or not terminal else "", file=sys.stderr, flush=True)

    return told


def code_version(*folders: str) -> str:
    """A hash of the code in files or folders of the package, such as impact/inference; comments, docstrings and empty lines do not count."""
    root = Path(__file__).parent
    digest = sha256()
    for folder in folders or (".",):
        place = root / folder
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{path.relative_to(root).as_posix()}\n{_without_words(path.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()[:16]


def _without_words(source: str) -> str:
    """Source without comments, docstrings and empty lines.

    Only where these lie is taken from the tokens: Python's versions cut other things, such as f-strings, in different ways.
    """
    import tokenize
    from io import StringIO

    lines, start, words = source.split("\n"), True, []
    for token in tokenize.generate_tokens(StringIO(source).readline):
        # A string that begins a statement is a docstring.
        if token.type == tokenize.COMMENT or (start and token.type == tokenize.STRING):
            words.append((token.start, token.end))
        elif token.type != tokenize.NL:
            start = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    for (first, left), (last, right) in reversed(words):
        lines[first - 1 : last] = [lines[first - 1][:left] + lines[last - 1][right:]] + [""] * (last - first)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _run(function: Callable[[Any], Any], job: Any) -> Any:
    """The result, or a failure in words: not every error can travel between processes."""
    mark = _inside.set(True)
    try:
        return function(job)
    except Exception as error:  # whatever a job may raise
        return _Failure(error if isinstance(error, UserError) else None, f"{type(error).__name__}: {error}", traceback.format_exc())
    finally:
        _inside.reset(mark)


def _result(found: Any) -> Any:
    if not isinstance(found, _Failure):
        return found
    if found.error is not None:
        raise found.error
    failed = JobFailed(found.text)
    failed.add_note(found.trace)
    raise failed


def _in_processes(function: Callable[[Any], Any], jobs: list[Any], workers: int, told: Callable[[int, int], None]) -> list[Any]:
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start)
    try:
        with _one_thread_each():
            futures = [pool.submit(_run, function, job) for job in jobs]
            found = _gather(futures, as_completed(futures), told)
        pool.shutdown()
        return found
    except BrokenExecutor:
        raise UserError(
            "A worker process was ended from outside (out of memory?). Free memory, or give the work to a cluster with --scheduler.",
            "작업 프로세스가 외부에서 종료되었습니다(메모리 부족일 수 있음). 메모리를 확보하거나 --scheduler로 클러스터에서 실행하십시오.",
        ) from None
    except BaseException:
        # An error or Ctrl-C: what still runs is of no use to anyone.
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise


def _start() -> None:
    """In a worker: Ctrl-C is for the main process, which ends its workers and says what there is to say."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile calculate with one thread each: more would only stand in each other's way."""
    kept = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _gather(futures: list, completed: Iterable, told: Callable[[int, int], None]) -> list[Any]:
    """Results in the order of futures; the first failure ends the waiting."""
    for number, future in enumerate(completed, 1):
        _result(future.result())
        told(number, len(futures))
    return [future.result() for future in futures]


def _on_dask(function: Callable[[Any], Any], jobs: list[Any], scheduler: str, told: Callable[[int, int], None]) -> list[Any]:
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise UserError(
            "--scheduler needs Dask, which is not installed: pip install 'distributed>=2025.1' (or pip install '.[dask]'), here and on the workers.",
            "--scheduler에는 Dask가 필요하나 설치되어 있지 않습니다. 이 컴퓨터와 작업 서버에 pip install 'distributed>=2025.1'(또는 pip install '.[dask]')을 실행하십시오.",
        ) from None
    # What goes wrong with the cluster is said below, in words for the user.
    before = logging.root.manager.disable
    logging.disable()
    try:
        try:
            client = Client(scheduler, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:  # nobody there; no such address; no address at all
            raise UserError(
                f"No Dask scheduler answers at {scheduler} ({type(error).__name__}). Look at the address (such as tcp://host:8786) and whether it runs, or leave --scheduler out.",
                f"{scheduler} 주소의 Dask 스케줄러가 응답하지 않습니다({type(error).__name__}). 주소(예: tcp://host:8786)와 실행 여부를 확인하거나 --scheduler를 빼십시오.",
            ) from None
        with client:
            _same_code(client, scheduler)
            futures = client.map(_Call(function), jobs, pure=False, retries=0)
            try:
                return _gather(futures, as_completed(futures, loop=client.loop), told)
            except BaseException:
                client.cancel(futures, force=True)
                raise
    except CancelledError:
        raise UserError(f"The Dask scheduler at {scheduler} went away during the work. Start it anew and repeat.", f"작업 중 {scheduler}의 Dask 스케줄러 연결이 끊어졌습니다. 다시 시작한 뒤 되풀이하십시오.") from None
    except KilledWorker:
        raise UserError(f"Workers of {scheduler} were ended from outside (out of memory?). Give them more memory.", f"{scheduler}의 작업 서버가 외부에서 종료되었습니다(메모리 부족일 수 있음). 메모리를 늘리십시오.") from None
    finally:
        logging.disable(before)


@dataclass(frozen=True)
class _Call:
    """`_run` of one function, as Dask maps it."""

    function: Callable[[Any], Any]

    def __call__(self, job: Any) -> Any:
        return _run(self.function, job)


def _same_code(client: Any, scheduler: str) -> None:
    """UserError unless the cluster has workers, and all of them this code: other code would give other numbers without a word."""
    nobody = UserError(f"The Dask scheduler at {scheduler} has no workers. Start some: dask worker {scheduler}.", f"{scheduler}의 Dask 스케줄러에 작업 서버가 없습니다. dask worker {scheduler} 명령으로 시작하십시오.")
    try:
        client.wait_for_workers(1, timeout=CONNECTING)  # some may be starting
    except TimeoutError:
        raise nobody from None
    try:
        versions = client.run(code_version, *SENT)
    except Exception as error:  # evaluation is not there, or is too old to have this function
        raise UserError(
            f"The workers of {scheduler} cannot load this package ({type(error).__name__}: {error}). Install the same version on them.",
            f"{scheduler}의 작업 서버에서 이 패키지를 불러올 수 없습니다({type(error).__name__}: {error}). 같은 버전을 설치하십시오.",
        ) from None
    if not versions:
        raise nobody
    here = code_version(*SENT)
    other = [worker for worker, version in versions.items() if version != here]
    if other:
        raise UserError(
            f"Workers of {scheduler} have another version of this package: {', '.join(sorted(other))}. Install the same on them.",
            f"{scheduler}의 작업 서버가 다른 버전의 패키지를 쓰고 있습니다: {', '.join(sorted(other))}. 같은 버전을 설치하십시오.",
        )
