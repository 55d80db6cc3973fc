"""Background and scheduled tasks (``anvil.server.launch_background_task``)."""

from app_server.background.scheduler import Scheduler
from app_server.background.tasks import BackgroundTasks

__all__ = ["BackgroundTasks", "Scheduler"]
