"""Runs programs, taking turns, and says what they took."""

import os
import shutil
import statistics
import subprocess
import threading
import time
from collections import defaultdict

import results


# Seconds after which a program that hangs is ended.
PATIENCE = 900


class Run:
    """What one run of one program took: seconds, CPU seconds, and peak memory in bytes."""

    def __init__(self, program, scratch):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        start = time.monotonic()
        process = subprocess.Popen([str(word) for word in program.command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        watch.cancel()
        self.wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss * 1024
        self.failed = process.returncode not in program.codes
        if self.failed:
            print(f"  {program.name}: ended with {process.returncode}", flush=True)


def take_turns(programs, rounds, scratch, every_round):
    """Runs of each program by name; the slow ones run in the first round only, unless `every_round`."""
    runs = defaultdict(list)
    for turn in range(rounds):
        for program in programs:
            if turn == 0 or not program.is_slow or every_round:
                runs[program.name].append(Run(program, scratch))
    shutil.rmtree(scratch, ignore_errors=True)
    return runs


def rows(programs, runs, loop):
    """Medians; ratios are taken inside each round, since the machine's pace drifts between rounds."""
    table = []
    for program in programs:
        own = [run for run in runs[program.name] if not run.failed]
        if not own:
            continue
        ratio = lambda of: statistics.median(of(run) / of(yard) for run, yard in zip(own, runs[loop]))
        table.append(results.Row(
            name=program.name,
            wall=statistics.median(run.wall for run in own),
            cpu=statistics.median(run.cpu for run in own),
            wall_ratio=ratio(lambda run: run.wall),
            cpu_ratio=ratio(lambda run: run.cpu),
            memory=max(run.memory for run in own),
            rounds=len(own),
            goal=program.goal,
        ))
    return table
