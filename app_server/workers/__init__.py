"""The processes that run the apps' server code: Anvil's own workers, started by the router."""

from app_server.workers.pool import WorkerPool
from app_server.workers.workers import Workers

__all__ = ["WorkerPool", "Workers"]
