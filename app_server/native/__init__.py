"""The functions that Anvil's libraries call on the server itself (``anvil.private.*``)."""

from app_server.native.registry import NativeCall, NativeFunction, find_native, native

__all__ = ["NativeCall", "NativeFunction", "find_native", "native"]
