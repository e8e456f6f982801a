"""Why a file is not served."""

import os
import resource


class Refused(Exception):
    """A file that is not served: `not_a_photo`, `too_many_pixels`, `unreadable`, `too_long` or `not_taken`."""


def limit_this_process(memory: int, cpu_seconds: int, output: int) -> None:
    """Cap memory, time and output, keep a core dump from showing the photo, and let other work go first."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output, output))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
