"""The job benchmark with Celery: `bench.py URL JOBS BYTES` prints one line of JSON.

Publisher and worker are told to be as careful as the others: persistent messages, publisher confirms,
acknowledgements after the work. One process publishes, one worker with two processes consumes; the time on the
processor is that of all of them, without the worker's start.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from celery import Celery

DONE = os.environ.get("BENCH_DONE", "")

app = Celery("bench", broker=os.environ.get("BENCH_BROKER", "memory://"))
app.conf.update(
    task_default_queue="bench.celery",
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=128,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)
_done = None


@app.task(name="bench.work")
def work(payload):
    """One byte in the file for each job that is done."""
    global _done
    if _done is None:
        _done = os.open(DONE, os.O_WRONLY | os.O_APPEND)
    os.write(_done, b".")


def family(leader):
    """The worker's processes: those of its process group."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            yield fields


def busy(leader):
    """CPU seconds of the worker so far."""
    ticks = sum(int(fields[11]) + int(fields[12]) for fields in family(leader))
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_until(path, jobs, patience):
    until = time.monotonic() + patience
    while os.path.getsize(path) < jobs:
        if time.monotonic() > until:
            sys.exit(f"only {os.path.getsize(path)} of {jobs} jobs were done within {patience} s")
        time.sleep(0.005)


def main(url, jobs, size):
    with tempfile.NamedTemporaryFile() as done:
        environment = dict(os.environ, BENCH_BROKER=url, BENCH_DONE=done.name)
        command = [sys.executable, "-m", "celery", "-A", "bench", "worker", "--concurrency", "2"]
        command += ["--loglevel", "error", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        folder = os.path.dirname(os.path.abspath(__file__))
        worker = subprocess.Popen(
            command, env=environment, cwd=folder, start_new_session=True, stdout=sys.stderr, stderr=sys.stderr
        )
        try:
            app.conf.broker_url = url
            payload = "x" * size
            for _ in range(50):
                work.delay(payload)
            wait_until(done.name, 50, 60)

            began, own, theirs = time.monotonic(), time.process_time(), busy(worker.pid)
            for _ in range(jobs):
                work.delay(payload)
            wait_until(done.name, 50 + jobs, 600)
            seconds = time.monotonic() - began
            cpu = time.process_time() - own + busy(worker.pid) - theirs
            print(json.dumps({"jobs": jobs, "seconds": round(seconds, 4), "cpu_seconds": round(cpu, 4)}))
        finally:
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait(30)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
