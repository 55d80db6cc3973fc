"""Values cross the wire in both directions as Anvil's protocol has them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import MakeServer, RunModule
from tests.browser.stub_server import answer, failure


def echo(call: dict[str, Any]) -> dict[str, Any]:
    """What came, back: the first argument with the objects that stand in it."""
    objects = [
        {**entry, "path": ["response", *entry["path"][2:]]}
        for entry in call["objects"]
        if entry["path"][:2] == ["args", 0]
    ]
    shared = [entry for entry in call["objects"] if entry["path"][0] == "vt_global"]
    return answer(call["args"][0], [*shared, *objects], vt_global=call["vt_global"])


def test_plain_values_come_back_as_they_went(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server
        value = {"a": [1, 2.5, True, None, "é🙂", (3, 4)], "name": {}, "length": -7}
        print(repr(anvil.server.call("echo", value)))
        print(repr(anvil.server.call("echo", 2 ** 70)))
        print(anvil.server.call("echo", float("inf")), anvil.server.call("echo", float("nan")))
        """,
        {"echo": echo},
    )
    assert lines == [
        "{'a': [1, 2.5, True, None, 'é🙂', [3, 4]], 'name': {}, 'length': -7}",
        str(2**70),
        "inf nan",
    ]


def test_dates_and_aware_times(run_module: RunModule) -> None:
    calls: list[dict[str, Any]] = []

    def keep(call: dict[str, Any]) -> dict[str, Any]:
        calls.append(call)
        return echo(call)

    lines = run_module(
        """
        import anvil.server, anvil.tz
        from datetime import date, datetime, timedelta
        print(anvil.server.call("echo", date(2026, 3, 1)))
        zone = anvil.tz.tzoffset(hours=-3.5)
        there = anvil.server.call("echo", datetime(2026, 3, 1, 9, 30, 15, 250, tzinfo=zone))
        print(there.isoformat(), there.utcoffset() == timedelta(hours=-3.5))
        naive = anvil.server.call("echo", datetime(2026, 7, 1, 8, 0))
        print(naive.tzinfo is not None)
        """,
        {"echo": keep},
    )
    assert lines == ["2026-03-01", "2026-03-01T09:30:15.000250-03:30 True", "True"]
    sent = [call["objects"][0] for call in calls]
    assert sent[0]["type"] == ["Date"] and sent[0]["value"] == "2026-03-01"
    assert sent[1]["value"] == "2026-03-01 09:30:15.000250-0330"


def test_times_of_other_offsets_keep_their_sign(run_module: RunModule) -> None:
    def times(call: dict[str, Any]) -> dict[str, Any]:
        texts = [
            "2026-01-01 00:00:00.000000+0530",
            "2026-01-01 00:00:00.5-0030",
            "2026-01-01 00:00:00Z",
        ]
        objects = [
            {"path": ["response", i], "type": ["DateTime"], "value": text}
            for i, text in enumerate(texts)
        ]
        return answer([None] * len(texts), objects)

    lines = run_module(
        """
        import anvil.server
        for time in anvil.server.call("times"):
            print(time.isoformat())
        """,
        {"times": times},
    )
    assert lines == [
        "2026-01-01T00:00:00+05:30",
        "2026-01-01T00:00:00.500000-00:30",
        "2026-01-01T00:00:00+00:00",
    ]


def test_portable_classes_with_shared_data(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server

        @anvil.server.portable_class
        class Plain:
            def __init__(self, name):
                self.name = name

        @anvil.server.portable_class("shop.Shared")
        class Shared:
            def __init__(self, item, note):
                self.item, self.note = item, note
            def __serialize__(self, info):
                notes, _ = info.shared_data(Shared)
                notes[self.note] = self.note.upper()
                return [self.item, self.note]
            def __deserialize__(self, data, info):
                notes, local = info.shared_data()
                self.item, self.note = data[0], notes[data[1]]
                local["seen"] = local.get("seen", 0) + 1
                self.seen = local["seen"]

        got = anvil.server.call("echo", [Plain("tea"), Shared(Plain("cup"), "x"), Shared(2, "y")])
        print(type(got[0]).__name__, got[0].name)
        print(got[1].item.name, got[1].note, got[1].seen)
        print(got[2].item, got[2].note, got[2].seen)
        print(anvil.server.call("echo", Plain) is Plain)
        """,
        {"echo": echo},
    )
    assert lines == ["Plain tea", "cup X 1", "2 Y 2", "True"]


def test_portable_class_is_imported_when_it_arrives(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {
            "client_code/goods.py": """
            import anvil.server
            @anvil.server.portable_class
            class Cup:
                def describe(self):
                    return "a cup for {}".format(self.price)
            """,
            "client_code/startup.py": """
            import anvil.server
            print(anvil.server.call("make").describe())
            """,
        }
    )
    cup = {"path": ["response"], "type": ["ValueType"], "typeName": "shop.goods.Cup"}
    server.functions["make"] = lambda call: answer({"price": 5}, [cup])
    with page.expect_console_message(lambda message: message.text == "a cup for 5"):
        page.goto(server.url)


def test_refuses_what_cannot_be_sent(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server
        class Odd: pass
        for value in [Odd(), b"raw", {1: 2}, [lambda: 1]]:
            try:
                anvil.server.call("echo", 1, extra=[value])
            except Exception as error:
                print(type(error).__name__, "|", error)
        """,
        {"echo": echo},
    )
    assert lines == [
        'SerializationError | Cannot pass Odd object to a server function: arguments["extra"][0]',
        'SerializationError | Cannot pass bytes object to a server function: arguments["extra"][0]',
        "TypeError | Cannot use 'int' objects as the key in a dict when sending to a server "
        'function; only string keys are allowed (arguments["extra"][0])',
        "SerializationError | Cannot pass function object to a server function: "
        'arguments["extra"][0][0]',
    ]


def test_capabilities_narrow_and_take_updates(run_module: RunModule) -> None:
    def give(call: dict[str, Any]) -> dict[str, Any]:
        cap = {"path": ["response"], "type": ["Capability"], "scope": ["shop", 7], "mac": "m"}
        return answer(None, [cap])

    sent: list[Any] = []

    def use(call: dict[str, Any]) -> dict[str, Any]:
        sent.append(call["objects"][0])
        return answer(None, capUpdates={'["shop",7,"till"]': {"open": True}})

    lines = run_module(
        """
        import anvil.server
        from anvil.server import Capability, unwrap_capability
        cap = anvil.server.call("give")
        print(cap, cap.is_valid, cap == anvil.server.call("give"))
        till = cap.narrow(["till"])
        till.set_update_handler(lambda update: print("update", update))
        anvil.server.call("use", till)
        print(unwrap_capability(till, ["shop", Capability.ANY, "till", "drawer"]))
        try:
            unwrap_capability(till, ["bank", Capability.ANY, Capability.ANY])
        except ValueError as error:
            print(error)
        try:
            Capability(["shop"])
        except RuntimeError as error:
            print(error)
        """,
        {"give": give, "use": use},
    )
    assert lines == [
        "<anvil.server.Capability:['shop', 7]> True True",
        "update {'open': True}",
        "['shop', 7, 'till', None]",
        "Incorrect Capability: required ['bank', ANY, ANY]; got ['shop', 7, 'till']",
        "Cannot create new Capability objects in Form code.",
    ]
    assert sent[0]["scope"] == ["shop", 7] and sent[0]["narrow"] == ["till"]
    assert sent[0]["mac"] == "m"


def test_errors_are_of_their_registered_type(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server
        class OutOfStock(Exception): pass
        anvil.server._register_exception_type("shop.OutOfStock", OutOfStock)
        for name in ["known", "unknown", "key", "missing", "denied"]:
            try:
                anvil.server.call(name)
            except Exception as error:
                wrapped = isinstance(error, anvil.server.AnvilWrappedError)
                print(type(error).__name__, "|", error, "|", wrapped)
                if name == "unknown":
                    print(error.error_obj["type"], repr(error))
        """,
        {
            "known": lambda call: failure("shop.OutOfStock", "no tea"),
            "unknown": lambda call: failure("ValueError", "bad"),
            "key": lambda call: failure("KeyError", "k"),
            "denied": lambda call: failure("anvil.server.PermissionDenied", "no"),
        },
    )
    assert lines == [
        "OutOfStock | no tea | False",
        "AnvilWrappedError | bad | True",
        "ValueError AnvilWrappedError(ValueError('bad'))",
        "KeyError | 'k' | False",
        'NoServerFunctionError | No server function "missing" | True',
        "PermissionDenied | no | False",
    ]


def test_media_both_ways(run_module: RunModule) -> None:
    received: dict[str, Any] = {}

    def store(call: dict[str, Any]) -> dict[str, Any]:
        received.update(call["objects"][0])
        media = {
            "path": ["response"],
            "type": ["DataMedia"],
            "id": "m1",
            "mime-type": "text/plain",
            "name": "a.txt",
        }
        return {**answer(None, [media]), "chunks": [("m1", b"from server")]}

    lines = run_module(
        """
        import anvil, anvil.server
        big = anvil.BlobMedia("image/png", b"x" * 150000, name="x.png")
        back = anvil.server.call("store", big)
        print(back.name, back.content_type, back.length, back.get_bytes())
        print(type(back).__name__, isinstance(back, anvil.Media), back.url.startswith("blob:"))
        """,
        {"store": store},
    )
    assert lines == ["a.txt text/plain 11 b'from server'", "BlobMedia True True"]
    assert received["mime-type"] == "image/png" and received["name"] == "x.png"


def test_lazy_media_is_fetched_once(run_module: RunModule) -> None:
    fetched: list[Any] = []

    def give(call: dict[str, Any]) -> dict[str, Any]:
        lazy = {
            "path": ["response"],
            "type": ["LazyMedia"],
            "manager": "shop",
            "id": "9",
            "key": "k",
            "name": "big.bin",
            "mime-type": "application/x-big",
        }
        return answer(None, [lazy])

    def fetch(call: dict[str, Any]) -> dict[str, Any]:
        fetched.append(call["objects"][0])
        media = {
            "path": ["response"],
            "type": ["DataMedia"],
            "id": "m",
            "mime-type": "a/b",
            "name": None,
        }
        return {**answer(None, [media]), "chunks": [("m", b"12345")]}

    lines = run_module(
        """
        import anvil.server
        media = anvil.server.call("give")
        print(media.name, media.content_type)
        print(media.get_bytes(), media.length)
        """,
        {"give": give, "anvil.private.fetch_lazy_media": fetch},
    )
    assert lines == ["big.bin application/x-big", "b'12345' 5"]
    assert len(fetched) == 1 and fetched[0]["type"] == ["LazyMedia"] and fetched[0]["key"] == "k"


def test_live_objects_call_back(run_module: RunModule) -> None:
    calls: list[Any] = []

    def give(call: dict[str, Any]) -> dict[str, Any]:
        spec = {
            "path": ["response"],
            "type": ["LiveObject"],
            "backend": "shop.Task",
            "id": "t1",
            "permissions": [],
            "methods": ["get_state"],
            "mac": "mm",
        }
        return answer(None, [spec])

    def get_state(call: dict[str, Any]) -> dict[str, Any]:
        calls.append(call["liveObjectCall"])
        return answer({"n": call["args"][0]})

    lines = run_module(
        """
        import anvil.server
        task = anvil.server.call("give")
        print(task, task.get_state(4), hasattr(task, "kill"))
        """,
        {"give": give, "get_state": get_state},
    )
    assert lines == ["<LiveObject: shop.Task> {'n': 4} False"]
    assert calls == [
        {"method": "get_state", "id": "t1", "backend": "shop.Task", "permissions": [], "mac": "mm"}
    ]


def test_anvil_server_has_what_anvil_documents(run_module: RunModule) -> None:
    names = [
        *["call", "call_s", "loading_indicator", "no_loading_indicator", "portable_class"],
        *["serializable_type", "Capability", "unwrap_capability", "SerializationInfo", "LazyMedia"],
        *["server_method", "event_handler", "add_event_handler", "remove_event_handler"],
        *["is_app_online", "reset_session", "invalidate_client_objects", "get_session_id"],
        *["get_app_origin", "get_api_origin", "app_origin", "context", "startup_data"],
        *["AnvilWrappedError", "SessionExpiredError", "AppOfflineError", "TimeoutError"],
        *["PermissionDenied", "NoServerFunctionError", "InternalError", "SerializationError"],
        *["launch_background_task", "subscribe", "unsubscribe"],
    ]
    lines = run_module(
        f"""
        import anvil.server, anvil.media
        print([name for name in {names!r} if not hasattr(anvil.server, name)])
        print(anvil.server.is_app_online(), anvil.server.context.client.type)
        print(anvil.server.get_app_origin() + "/_/api" == anvil.server.get_api_origin())
        missing = [name for name in anvil.media.__all__ if not hasattr(anvil.media, name)]
        print(anvil.server.startup_data, missing)
        print(hasattr(anvil.server, "session"), hasattr(anvil.server, "callable"))
        with anvil.server.loading_indicator:
            pass
        """
    )
    assert lines == [
        "[]",
        "True browser",
        "True",
        "None []",
        "False False",
    ]
