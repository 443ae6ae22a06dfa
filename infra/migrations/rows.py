"""Every table of both lines: importing the models is what makes the metadata whole."""

import importlib
import pkgutil

import services
from services.platform.db import plumbing
from services.platform.db.base import PlatformRow, TenantRow

for module in pkgutil.walk_packages(services.__path__, "services."):
    if module.name.endswith(".models"):
        importlib.import_module(module.name)

__all__ = ["PlatformRow", "TenantRow", "plumbing"]
