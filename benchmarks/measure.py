"""Measure a command or a Python program in a process of its own: wall clock time in seconds, peak memory in MB."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The medians of several runs."""

    seconds: float
    megabytes: float


def command(words: Sequence[str], *, runs: int = 5, warmup: int = 1, exit_codes: Sequence[int] = (0,)) -> Measure:
    """Measure a command, discarding its output. Raises when it ends with an exit code not in `exit_codes`."""
    seconds, peaks = [], []
    for turn in range(warmup + runs):
        start = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        error = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        elapsed = time.perf_counter() - start
        if process.returncode not in exit_codes:
            raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {error.decode()[-500:]}")
        if turn >= warmup:
            seconds.append(elapsed)
            peaks.append(usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024))
    return Measure(seconds=statistics.median(seconds), megabytes=max(peaks))


def statement(code: str, *, runs: int = 5, warmup: int = 1) -> Measure:
    """Measure a Python program given as text, including the start of the interpreter."""
    return command([sys.executable, "-c", code], runs=runs, warmup=warmup)
