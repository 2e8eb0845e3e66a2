"""Running `kind: test` documents: a scratch database per test, a set clock, real people, the record service."""

from .outcome import Coverage, Failure, Outcome, Report
from .runner import run_tests
from .scratch import Scratch, SqliteScratch

__all__ = ["Coverage", "Failure", "Outcome", "Report", "Scratch", "SqliteScratch", "run_tests"]
