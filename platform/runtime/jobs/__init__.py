"""Work beside requests: jobs as rows of `gx_jobs`, claimed with a lease by any worker, and work at set times."""

from .outcome import Cancelled, GiveUp, Retry
from .store import FINISHED, Job, JobStore, LostJob

__all__ = ["FINISHED", "Cancelled", "GiveUp", "Job", "JobStore", "LostJob", "Retry"]
