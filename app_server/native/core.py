"""Native functions of ``anvil.server``. Source: anvil.dispatcher.native-rpc-handlers.core."""

from __future__ import annotations

import asyncio
import mimetypes
from typing import Any

from app_server.errors import AnvilError
from app_server.http.client_session import make_address_token
from app_server.media import make_lazy_media, media_address, open_argument
from app_server.native.registry import NativeCall, native
from app_server.wire.text import write_json
from app_server.wire.values import LazyMedia, Media, MediaSource

LONGEST_SLEEP_SECONDS = 2.0
TABLES_SERVICE = "/runtime/services/tables.yml"


@native("anvil.private.echo")
async def echo(_call: NativeCall, value: Any) -> Any:
    return value


@native("anvil.private.fail")
async def fail(_call: NativeCall) -> None:
    raise AnvilError("This native RPC function failed.", "anvil.server._FailError")


@native("anvil.private._sleep")
async def sleep(_call: NativeCall, seconds: float) -> None:
    await asyncio.sleep(min(max(float(seconds), 0.0), LONGEST_SLEEP_SECONDS))


@native("anvil.private.get_app_origin")
async def get_app_origin(call: NativeCall, _environment: Any = None, **_options: Any) -> str:
    return call.instance.origin


@native("anvil.private.get_api_origin")
async def get_api_origin(call: NativeCall, _environment: Any = None, **_options: Any) -> str:
    return call.instance.origin + "/_/api"


@native("anvil.private.get_client_config")
async def get_client_config(call: NativeCall, source: str) -> dict[str, Any] | None:
    """A service's ``client_config``. Data Tables are always served as version 2."""
    service = call.instance.app.services.get(source)
    if source == TABLES_SERVICE:
        return {**(service.client_config if service else {}), "enable_v2": True}
    return service.client_config if service else None


@native("anvil.private.get_server_config")
async def get_server_config(call: NativeCall, source: str) -> dict[str, Any] | None:
    call.require_server("access server config")
    service = call.instance.app.services.get(source)
    return service.server_config if service else None


@native("anvil.private.get_dep_client_config")
async def get_dep_client_config(call: NativeCall) -> dict[str, Any]:
    return _dependency_config(call, "client")


@native("anvil.private.get_dep_server_config")
async def get_dep_server_config(call: NativeCall) -> dict[str, Any]:
    call.require_server("access server config")
    return _dependency_config(call, "server")


def _dependency_config(call: NativeCall, which: str) -> dict[str, Any]:
    """Shaped like the app that the worker has: the app's own ``config``, its dependencies'
    under ``dependency_code`` by app id, and ``package_name`` everywhere."""
    app = call.instance.app
    return {
        "package_name": app.package_name,
        "config": {which: app.config[which]},
        "dependency_ids": app.dependency_ids,
        "dependency_code": {
            d.app_id: {"package_name": d.package_name, "config": {which: d.config[which]}}
            for d in app.dependencies
        },
    }


@native("anvil.private.get_app_asset")
async def get_app_asset(call: NativeCall, path: str) -> Media | None:
    """A theme asset of the app or of a dependency."""
    asset = call.instance.app.find_asset(path)
    if asset is None:
        return None
    data = await asyncio.to_thread(asset.read_bytes)
    content_type = mimetypes.guess_type(asset.name)[0] or "application/octet-stream"
    return Media(content_type, data, asset.name)


@native("anvil.private.mk_LazyMedia")
async def make_function_media(
    call: NativeCall, content_type: str, function: str, *args: Any, **kwargs: Any
) -> LazyMedia:
    """Media that a server function makes when they are asked for."""
    call.require_server("make lazy media")
    media_id = write_json([function, list(args), kwargs])
    return make_lazy_media(
        call.instance, call.session, "py", media_id, content_type=content_type, name=function
    )


@native("anvil.private.fetch_lazy_media")
async def fetch_lazy_media(call: NativeCall, spec: dict[str, Any] | LazyMedia) -> MediaSource:
    media = spec if isinstance(spec, LazyMedia) else LazyMedia(dict(spec))
    return await open_argument(call, media)


@native("anvil.private.get_lazy_media_url")
async def get_lazy_media_url(call: NativeCall, media: LazyMedia, is_download: bool = True) -> str:
    call.session.save()  # the address is good in this session only, so that has to last
    token = make_address_token(call.instance, call.session)
    return media_address(call.instance, media, is_download=bool(is_download), token=token)
