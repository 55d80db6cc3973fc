"""anvil.js: Python and JavaScript call each other; what is a promise waits."""

from __future__ import annotations

from tests.browser.conftest import RunModule


def test_values_cross_both_ways(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.js
        from anvil.js import window
        from anvil.js.window import document, JSON
        print(JSON.stringify({"a": [1, None, True], "name": "x"}))
        parsed = JSON.parse('{"name": "tea", "sizes": [1, 2.5], "call": null}')
        print(parsed["name"], list(parsed.sizes), parsed.call, parsed.get("none", "-"))
        window.counter = {"n": 1}
        window.counter.n += 41
        print(window.counter.n, isinstance(parsed, anvil.js.ProxyType))
        print(anvil.js.call("parseInt", "12px"), anvil.js.call("Math.max", 3, 9))
        print(anvil.js.new(window.Date, 0).toISOString(), anvil.js.call(window.String, 5))
        node = document.createElement("p")
        node.textContent = "hi"
        print(anvil.js.get_dom_node(node).tagName, [x for x in window.Array.of(1, "b")])
        """
    )
    assert lines == [
        '{"a":[1,null,true],"name":"x"}',
        "tea [1, 2.5] None -",
        "42 True",
        "12 9",
        "1970-01-01T00:00:00.000Z 5",
        "P [1, 'b']",
    ]


def test_promises_wait_and_their_failures_raise(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.js
        from anvil.js import window
        later = window.Function("value", "return new Promise(done => setTimeout(done, 5, value))")
        print(later("soon"))
        print(anvil.js.await_promise(window.Promise.resolve({"x": 1})).x)
        print(anvil.js.await_promise("no promise"))
        fails = window.Function("throw new RangeError('too far')")
        for attempt in [fails, window.Function("return Promise.reject(new TypeError('odd'))")]:
            try:
                attempt()
            except anvil.js.ExternalError as error:
                print(error.original_error.name, error.original_error.message)
        """
    )
    assert lines == ["soon", "1", "no promise", "RangeError too far", "TypeError odd"]


def test_javascript_calls_python_that_waits(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.js, anvil.server
        from anvil.js import window
        def double(value, *rest):
            later = window.Function("v", "return new Promise(done => setTimeout(done, 1, v * 2))")
            return later(value)
        run = window.Function("f", "return f(21).then(v => 'got ' + v)")
        print(run(double))
        print(list(window.Array.of(1, 2, 3).map(lambda value, index, all: value * 10)))
        class Shop:
            def name(self):
                return "method"
        print(window.Function("f", "return f()")(Shop().name))
        """
    )
    assert lines == ["got 42", "[10, 20, 30]", "method"]


def test_modules_are_imported(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil.js
        code = "export const tea = 'green'; export default x => x + 1"
        module = anvil.js.import_from("data:text/javascript," + code)
        print(module.tea, module.default(1))
        own = anvil.js.import_from("./_/theme/own.js")
        print(own.greeting)
        try:
            anvil.js.import_from("./_/theme/none.js")
        except Exception as error:
            print(type(error).__name__)
        """,
        extra_files={"theme/assets/own.js": "export const greeting = 'from the theme';"},
    )
    assert lines == ["green 2", "from the theme", "ExternalError"]


def test_media_from_javascript(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil, anvil.js
        from anvil.js import window
        blob = anvil.js.new(window.Blob, ["abc"], {"type": "text/plain"})
        media = anvil.js.to_media(blob, name="a.txt")
        print(type(media).__name__, media.get_bytes(), media.content_type, media.name)
        array = anvil.js.new(window.Uint8Array, [1, 2])
        print(anvil.js.to_media(array, content_type="a/b").get_bytes())
        file = anvil.js.new(window.File, ["x"], "f.csv", {"type": "text/csv"})
        media = anvil.js.to_media(file)
        print(isinstance(media, anvil.FileMedia), media.name, media.length)
        """
    )
    assert lines == ["BlobMedia b'abc' text/plain a.txt", "b'\\x01\\x02'", "True f.csv 1"]


def test_http_and_images(run_module: RunModule) -> None:
    lines = run_module(
        """
        import anvil, anvil.http, anvil.image
        from anvil.js import window
        import base64
        print(anvil.http.request("_/theme/data.json", json=True))
        print(anvil.http.request("_/theme/data.json").get_bytes())
        for url in ["_/theme/missing.json", "http://127.0.0.1:1/"]:
            try:
                anvil.http.request(url)
            except anvil.http.HttpError as error:
                print(error.status)
        print(anvil.http.url_encode("a b&é"), anvil.http.url_decode("a%20b"))
        canvas = window.document.createElement("canvas")
        canvas.width, canvas.height = 40, 20
        canvas.getContext("2d").fillRect(0, 0, 40, 20)
        png = base64.b64decode(canvas.toDataURL().split(",")[1])
        picture = anvil.BlobMedia("image/png", png, name="p.png")
        print(anvil.image.get_dimensions(picture))
        small = anvil.image.generate_thumbnail(picture, 10)
        print(anvil.image.get_dimensions(small), small.name, small.content_type)
        print(anvil.image.get_dimensions(anvil.image.rotate(picture, 90)))
        try:
            anvil.image.get_dimensions(anvil.BlobMedia("text/plain", b"x"))
        except anvil.image.ImageException as error:
            print(error)
        """,
        extra_files={"theme/assets/data.json": '{"tea": [1, 2]}'},
    )
    assert lines == [
        "{'tea': [1, 2]}",
        "b'{\"tea\": [1, 2]}'",
        "404",
        "0",
        "a%20b%26%C3%A9 a b",
        "(40, 20)",
        "(10, 5) p.png image/png",
        "(20, 40)",
        "The browser cannot read this as an image (text/plain)",
    ]
