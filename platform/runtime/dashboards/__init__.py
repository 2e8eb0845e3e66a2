"""Dashboards: the figures of a page of tiles, each asked under the rights of whoever looks."""

from .service import DashboardService

__all__ = ["DashboardService"]
