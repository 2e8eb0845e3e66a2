"""The screens: Flask-Admin as the frame, our own design, every page generated from the published metadata.

`site.create_site(app, services)` is the one entry; `ports.SiteServices` says what it needs.
"""

from .ports import ServicesSource, SiteServices
from .site import create_site

__all__ = ["ServicesSource", "SiteServices", "create_site"]
