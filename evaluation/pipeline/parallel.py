"""Runs pytask's ready tasks in threads, the next as soon as one ends. A plugin of pytask.

Tasks wait for kernels and renderers, so threads are enough. pytask-parallel does the same but polls with
growing pauses, which cost a third of the time of a report with one changed mark.
"""

import sys
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import pytask
from pytask import ExecutionReport, hookimpl


class Parallel:
    """Execute with so many workers at once; an interrupt waits for what runs and starts nothing more."""

    def __init__(self, workers: int):
        self.workers = workers

    @hookimpl(tryfirst=True)
    def pytask_execute_build(self, session: pytask.Session) -> bool:
        running: dict[Future, pytask.PTask] = {}
        with ThreadPoolExecutor(self.workers) as executor:
            while session.scheduler.is_active() and not session.should_stop:
                free = self.workers - len(running)
                ready = session.scheduler.get_ready(free) if free else []
                for signature in ready:
                    task = session.dag.nodes[signature]
                    session.hook.pytask_execute_task_log_start(session=session, task=task)
                    try:
                        session.hook.pytask_execute_task_setup(session=session, task=task)
                    except Exception:  # noqa: BLE001  (how pytask says that a task is up to date)
                        _report(session, task, sys.exc_info())
                    else:
                        running[executor.submit(session.hook.pytask_execute_task, session=session, task=task)] = task
                # A task that was up to date may have made others ready; else there is only to wait.
                if not ready and running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        _finish(session, running.pop(future), future)
        # After a failure, what was running has ended by now and is kept too.
        for future, task in running.items():
            _finish(session, task, future)
        return True


def _finish(session: pytask.Session, task: pytask.PTask, future: Future) -> None:
    try:
        future.result()
        session.hook.pytask_execute_task_teardown(session=session, task=task)
    except Exception:  # noqa: BLE001  (any error of a task is its report)
        _report(session, task, sys.exc_info())
    else:
        _report(session, task, None)


def _report(session: pytask.Session, task: pytask.PTask, error: tuple | None) -> None:
    report = ExecutionReport.from_task(task) if error is None else ExecutionReport.from_task_and_exception(task, error)
    session.hook.pytask_execute_task_process_report(session=session, report=report)
    session.hook.pytask_execute_task_log_end(session=session, task=task, report=report)
    session.execution_reports.append(report)
    session.scheduler.done(task.signature)
