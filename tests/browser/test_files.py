"""What the server gives out: runtime, bundle, theme and page; and what it never does."""

from __future__ import annotations

import gzip
import json
import re
import urllib.error
import urllib.request
from email.message import Message

import pytest

from app_server.http.bundle import bundle_name
from app_server.http.startup import PageStart
from tests.browser.conftest import MakeServer
from tests.browser.stub_server import StubServer

FILES = {
    "client_code/startup.py": "print('client')",
    "client_code/Home/__init__.py": """
        from ._anvil_designer import HomeTemplate
        class Home(HomeTemplate): pass
        """,
    "client_code/Home/form_template.html": "<anvil-form><p>Hello</p></anvil-form>",
    "server_code/till.py": "TILL_KEY = 'server-only-marker'",
    "server_code/areas/deep.py": "DEEP = 'deep-server-marker'",
    "theme/parameters.yaml": """
        roles: [{name: quiet, components: [Label]}]
        color_scheme: {colors: [{name: On Tea, color: '#123456', dark: '#abcdef'}]}
        """,
    "theme/assets/theme.css": ".x { color: %color:On Tea%; width: url('_/a.png') } </style>",
    "theme/assets/fonts/tea.txt": "leaf",
}
YAML = """
startup: {type: form, module: Home}
metadata: {title: 'Tea & "Cups"', description: <Best> tea, logo_img: 'asset:fonts/tea.txt'}
native_deps: {head_html: '<meta name="from-head-html" content="x">'}
services:
- source: /runtime/services/anvil/users.yml
  client_config: {allow_signup: true}
  server_config: {secret_marker: 'server-config-marker'}
db_schema: {tills: {columns: [{name: schema-marker, type: string}], client: none, server: full}}
"""


def get(server: StubServer, path: str, **headers: str) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(server.url + path)
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture
def server(make_server: MakeServer) -> StubServer:
    return make_server(FILES, yaml=YAML)


def bundle_path(server: StubServer) -> str:
    return f"/_/app/{bundle_name(server.app, None)}.json"


def test_server_code_never_leaves_the_server(server: StubServer) -> None:
    _, _, bundle = get(server, bundle_path(server))
    _, _, page = get(server, "/")
    content = json.loads(bundle)
    assert [name for name, _, _ in content["packages"][-1]["modules"]] == ["Home", "startup"]
    for marker in [
        b"server-only-marker",
        b"deep-server-marker",
        b"server-config-marker",
        b"schema-marker",
    ]:
        assert marker not in bundle and marker not in page
    assert content["services"] == {"/runtime/services/anvil/users.yml": {"allow_signup": True}}


def test_the_bundle_is_immutable_and_compressed(server: StubServer) -> None:
    status, headers, plain = get(server, bundle_path(server))
    assert status == 200 and "immutable" in headers["Cache-Control"]
    _, headers, zipped = get(server, bundle_path(server), Accept_Encoding="gzip")
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(zipped) == plain
    assert get(server, "/_/app/0000-0123456789ab.json")[0] == 404
    assert get(server, f"/_/app/{server.app.version}.json")[0] == 404


def test_runtime_files_are_immutable_and_compressed(server: StubServer) -> None:
    _, _, page = get(server, "/")
    paths = re.findall(r"_/runtime/[\w.-]+", page.decode())
    assert len(set(paths)) >= 4
    for path in set(paths):
        status, headers, _ = get(server, "/" + path, Accept_Encoding="gzip, br")
        assert status == 200 and headers["Content-Encoding"] == "br"
        assert "immutable" in headers["Cache-Control"] and headers["Vary"] == "Accept-Encoding"
    engine = next(path for path in paths if "engine" in path)
    _, headers, plain = get(server, "/" + engine, Accept_Encoding="br;q=0, gzip")
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"].startswith("text/javascript")
    assert get(server, "/_/runtime/manifest.json")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/_/runtime/..%2f..%2fbuild.mjs",
        "/_/runtime/%2e%2e/library.mjs",
        "/_/theme/../../anvil.yaml",
        "/_/theme/..%2f..%2fanvil.yaml",
        "/_/theme/..%2f..%2fserver_code%2ftill.py",
        "/_/theme/fonts/..%2f..%2fparameters.yaml",
        "/_/theme//etc/passwd",
        "/_/theme/fonts",
    ],
)
def test_no_path_leads_out(server: StubServer, path: str) -> None:
    assert get(server, path)[0] == 404


def test_theme_assets_have_a_tag(server: StubServer) -> None:
    status, headers, body = get(server, "/_/theme/fonts/tea.txt")
    assert (status, body, headers["Cache-Control"]) == (200, b"leaf", "no-cache")
    status, _, body = get(server, "/_/theme/fonts/tea.txt", If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")


def test_the_last_dependency_wins_and_the_app_before_all(make_server: MakeServer) -> None:
    server = make_server(
        {
            "client_code/startup.py": "",
            "theme/assets/own.txt": "app",
            "theme/parameters.yaml": "color_scheme: {colors: [{name: B, color: app}]}",
        },
        dependencies={
            "one": {
                "anvil.yaml": "package_name: one\nruntime_options: {version: 3}\n",
                "theme/assets/own.txt": "one",
                "theme/assets/two.txt": "one",
                "theme/assets/theme.css": ".one {}",
                "theme/parameters.yaml": """
                color_scheme: {colors: [{name: A, color: one}, {name: B, color: one}]}
                """,
            },
            "two": {
                "anvil.yaml": "package_name: two\n",
                "theme/assets/two.txt": "two",
                "theme/assets/theme.css": ".two {}",
            },
        },
        yaml="""
dependencies: [{app_id: DEPONE, version: {dev: true}}, {app_id: DEPTWO, version: {dev: true}}]
""",
    )
    order = [dependency.package_name for dependency in server.app.dependencies]
    assert get(server, "/_/theme/own.txt")[2] == b"app"
    assert get(server, "/_/theme/two.txt")[2].decode() == order[-1]
    page = get(server, "/")[2].decode()
    assert ".one {}" in page and ".two {}" not in page  # a theme.css of before version 3
    assert "--anvil-color-A:one" in page and "--anvil-color-B:app" in page


def test_the_page_escapes_what_it_is_given(server: StubServer) -> None:
    server.start = PageStart(
        form="Home",
        message={"kwargs": {"text": "</script><script>alert(1)</script><!--"}},
        meta={"og:title": '"><script>x</script>', "robots": "noindex"},
    )
    status, headers, body = get(server, "/")
    page = body.decode()
    assert status == 200 and "<script>alert" not in page and "<script>x" not in page
    assert "<title>Tea &amp; &quot;Cups&quot;</title>" in page
    assert '<meta name="description" content="&lt;Best&gt; tea">' in page
    assert '<meta name="robots" content="noindex">' in page
    assert '<meta property="og:image" content="_/theme/fonts/tea.txt">' in page
    assert '<meta name="from-head-html" content="x">' in page
    assert '<base href="/">' in page and '<html lang="en"' in page
    assert "color: var(--anvil-color-On-Tea)" in page and "url('_/a.png') } <\\/style>" in page
    assert "prefers-color-scheme:dark){:root{--anvil-color-On-Tea:#abcdef;}}" in page
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Frame-Options"] == "DENY"
    boot = json.loads(re.search(r'id="anvil-boot">(.*?)</script>', page)[1])  # type: ignore[index]
    assert boot["open"] == {"form": "Home"} and boot["message"]["kwargs"]["text"].startswith(
        "</script>"
    )


def test_the_web_manifest_names_the_app(server: StubServer) -> None:
    status, headers, body = get(server, "/_/manifest.json")
    manifest = json.loads(body)
    assert status == 200 and manifest["name"] == 'Tea & "Cups"'
    assert manifest["icons"][0]["src"] == "/_/theme/fonts/tea.txt"
    assert headers["Content-Type"].startswith("application/manifest+json")


def test_bad_templates_are_reported_by_file_and_line(make_server: MakeServer) -> None:
    from app_server.http.bundle import make_bundle

    server = make_server(
        {
            **FILES,
            "client_code/Home/form_template.html": """
            <anvil-form>
            <anvil-component type="Buton" name="b"></anvil-component></anvil-form>
            """,
        },
        yaml=YAML,
    )
    problems = [str(problem) for problem in make_bundle(server.app).problems]
    assert len(problems) == 1
    assert "client_code/Home/form_template.html:3" in problems[0] and "Buton" in problems[0]
