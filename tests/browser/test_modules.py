"""The modules that browser Python has, and how an app's own modules are found."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import MakeServer, RunModule
from tests.browser.stub_server import answer

STANDARD = [
    *["array", "builtins", "calendar", "collections", "datetime", "fractions", "functools"],
    *["itertools", "json", "keyword", "math", "operator", "platform", "random", "re", "string"],
    *["sys", "time", "types", "uuid", "base64"],
]


def test_standard_modules_work(run_module: RunModule) -> None:
    lines = run_module(
        f"for name in {STANDARD!r}:\n    __import__(name)\n"
        + """
import collections, datetime, functools, itertools, json, math, random, re, types, base64
import fractions, calendar, operator, string, uuid, builtins
print(json.dumps({"a": [1, None, True]}), json.loads('{"b": 2.5}'))
print(re.sub(r"(\\d+)", lambda m: str(int(m.group(1)) * 2), "a1b22"))
print(collections.Counter("hello").most_common(1), collections.namedtuple("P", "x y")(1, 2))
print(functools.reduce(operator.add, itertools.chain([1, 2], [3])), math.floor(2.7))
print(fractions.Fraction(3, 6), calendar.monthrange(2026, 2)[1], string.digits)
print(datetime.datetime(2026, 1, 31) + datetime.timedelta(days=1))
print(random.choice([7]), random.choices([8], k=2), len(str(uuid.uuid4())), builtins.len([1]))
print(base64.b64encode(b"tea"), base64.b64decode("dGVh"))
print(isinstance(types.SimpleNamespace, type) if hasattr(types, "SimpleNamespace") else "-")
"""
    )
    assert lines[:-1] == [
        "{\"a\": [1, null, true]} {'b': 2.5}",
        "a2b44",
        "[('l', 2)] P(x=1, y=2)",
        "6 2",
        "1/2 28 0123456789",
        "2026-02-01 00:00:00",
        "7 [8, 8] 36 1",
        "b'dGVh' b'tea'",
    ]


@pytest.mark.parametrize(
    "name", ["socket", "subprocess", "requests", "turtle", "anvil.server_only"]
)
def test_other_modules_are_not_there(run_module: RunModule, name: str) -> None:
    lines = run_module(
        f"""
        try:
            import {name}
        except ImportError as error:
            print(error)
        """
    )
    assert lines == [f"No module named '{name}'"]


def test_packages_and_relative_imports(make_server: MakeServer, page: Page) -> None:
    server = make_server(
        {
            "client_code/startup.py": """
            from .areas.tea import Kettle
            from .areas import tea
            from shop.shared.words import greet
            import shop.shared.words as words
            print(Kettle().name, tea.__name__, greet("you"), words.me is words)
            """,
            "client_code/areas/tea.py": """
            from ..shared.words import greet
            from ..shared import words
            from . import cups
            class Kettle:
                name = greet("kettle") + cups.SIZE
            """,
            "client_code/areas/cups.py": "SIZE = ' XL'",
            "client_code/shared/__init__.py": "",
            "client_code/shared/words.py": """
            import sys
            def greet(whom):
                return "hello " + whom
            me = sys.modules[__name__]
            """,
        }
    )
    with page.expect_console_message() as message:
        page.goto(server.url)
    assert message.value.text == "hello kettle XL shop.areas.tea hello you True"


def test_dependencies_come_with_init_modules_and_settings(
    make_server: MakeServer, page: Page
) -> None:
    server = make_server(
        {
            "client_code/startup.py": """
            import anvil, widgets.tools
            from anvil import app
            print("startup", widgets.tools.READY, app.package_name)
            print(app.get_client_config("widgets"), sorted(app.theme_colors))
            """,
            "client_code/begin.py": "print('begin')",
            "theme/parameters.yaml": "color_scheme: {colors: [{name: Tea, color: '#a52'}]}",
        },
        dependencies={
            "widgets": {
                "anvil.yaml": """
                package_name: widgets
                client_init_module: prepare
                config_schema: {client: {size: {type: number, default_value: 3}}}
                """,
                "client_code/prepare.py": """
                from . import tools
                tools.READY = True
                print("prepare")
                """,
                "client_code/tools.py": "READY = False",
                "theme/parameters.yaml": "color_scheme: {colors: [{name: Cup, color: white}]}",
            }
        },
        yaml="""
startup: {type: module, module: startup}
client_init_module: begin
dependencies: [{app_id: DEPWIDGETS, version: {dev: true}}]
""",
    )
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    with page.expect_console_message(lambda message: "size" in message.text):
        page.goto(server.url)
    assert lines == ["prepare", "begin", "startup True shop", "{'size': 3} ['Cup', 'Tea']"]


def test_anvils_own_tables_and_users_are_fetched_when_imported(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.server
        from anvil.tables import app_tables, Row
        import anvil.tables.query as q
        import anvil.users
        print(anvil.users.get_user(), q.any_of is not None, Row is not None)
        try:
            anvil.users.login_with_email("a@b.example", "x")
        except anvil.users.AuthenticationFailed as error:
            print("failed:", error)
        """,
        {
            "anvil.private.users.get_current_user": lambda call: answer(None),
            "anvil.private.users.login_with_email": lambda call: {
                "error": {"type": "anvil.users.AuthenticationFailed", "message": "Wrong password"}
            },
        },
    )
    assert lines == ["None True True", "failed: Wrong password"]


def test_compiled_code_is_kept_for_the_next_visit(make_server: MakeServer, page: Page) -> None:
    server = make_server({"client_code/startup.py": "print('ran')"})
    with page.expect_console_message(lambda message: message.text == "ran"):
        page.goto(server.url)
    page.evaluate(
        """async () => {
            const count = () => new Promise(resolve => {
                const open = indexedDB.open("python-cache");
                open.onsuccess = () => {
                    const store = open.result.transaction("compiled").objectStore("compiled");
                    store.getAll().onsuccess = ({target}) => {
                        open.result.close();
                        resolve(target.result[0]?.size ?? 0);
                    };
                };
            });
            while ((await count()) === 0) await new Promise(requestAnimationFrame);
        }"""
    )
    page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
            const compile = Sk.compile;
            Sk.compile = (...args) => {
                console.log("compiled " + args[1]);
                return compile(...args);
            };
        }, {once: true});"""
    )
    lines: list[str] = []
    page.on("console", lambda message: lines.append(message.text))
    with page.expect_console_message(lambda message: message.text == "ran"):
        page.reload()
    assert lines == ["ran"]


def test_a_package_whose_import_failed_can_be_tried_again(run_module: RunModule) -> None:
    lines = run_module(
        """
        for attempt in range(2):
            try:
                import shop.bad
            except ZeroDivisionError as error:
                print("failed", error)
        import shop.settings
        shop.settings.is_ready = True
        import shop.bad
        print(shop.bad.part.name)
        """,
        extra_files={
            "client_code/bad/__init__.py": "from . import part\nfrom ..later import value\n",
            "client_code/bad/part.py": "name = 'part'\n",
            "client_code/settings.py": "is_ready = False\n",
            "client_code/later.py": "from . import settings\nvalue = 1 / int(settings.is_ready)\n",
        },
    )
    assert lines == ["failed division by zero", "failed division by zero", "part"]


def test_anvils_modules_are_attributes_without_an_import(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil
        print(anvil.http.url_encode("a b"), anvil.js.window.document.nodeType, bool(anvil.tz.UTC))
        print(anvil.media.TempUrl.__name__, anvil.image.ImageException.__name__)
        print(anvil.designer.in_designer, anvil.history.Location("/x"))
        print(anvil.regex.replace("a1", "[0-9]", "b"))
        from anvil import *
        print(server.call.__name__, js.window is anvil.js.window)
        try:
            anvil.nothing
        except AttributeError as error:
            print(error)
        """
    )
    assert lines == [
        "a%20b 9 True",
        "TempUrl ImageException",
        "False /x",
        "ab",
        "call True",
        "module 'anvil' has no attribute 'nothing'",
    ]
