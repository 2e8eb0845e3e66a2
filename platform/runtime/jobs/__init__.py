"""Long work as rows of `gx_jobs`: claimed with a lease by any worker, with progress, cancelled between steps."""

from .runner import JobRunner
from .store import FINISHED, Job, JobStore, LostJob

__all__ = ["FINISHED", "Job", "JobRunner", "JobStore", "LostJob"]
