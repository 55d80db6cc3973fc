"""The process host that runs the apps' server code, and the socket on which it is served."""

from app_server.downlink.server import DownlinkServer

__all__ = ["DownlinkServer"]
