"""Apps that reach beyond forms: the address's hash, scripts, drawings, charts, model classes."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.apps.conftest import OpenAnApp

FORM = "from ._anvil_designer import {0}Template\nfrom anvil import *\nimport anvil.server\n"

ROUTES = {
    "client_code/startup.py": """
    from anvil import *
    from anvil.js import window

    def show(*args):
      where = get_url_hash()
      if where == '':
        open_form('Home')
      elif isinstance(where, dict):
        open_form('Planet', where['name'], moons=int(where.get('moons', 0)))
      else:
        open_form('Planet', where)

    window.addEventListener('hashchange', show)
    show()
    """,
    "client_code/Home/form_template.yaml": """
    container: {type: ColumnPanel}
    components:
    - {name: head, type: Label, properties: {text: All planets, role: headline}}
    - {name: go, type: Link, properties: {text: Mars by hash, url: '#mars'}}
    - {name: call, type: Link, properties: {text: Jupiter by code, icon: 'fa:globe'},
       event_bindings: {click: call_click}}
    - name: grid
      type: DataGrid
      properties:
        rows_per_page: 3
        columns:
        - {id: A, title: Planet, data_key: name}
        - {id: B, title: Order, data_key: order, width: 80}
      components:
      - {name: rows, type: RepeatingPanel, properties: {item_template: Home.Row}}
    """,
    "client_code/Home/Row/form_template.yaml": """
    is_package: true
    container: {type: DataRowPanel, properties: {auto_display_data: true}}
    components: []
    """,
    "client_code/Home/Row/__init__.py": FORM.format("Row") + "class Row(RowTemplate):\n  pass\n",
    "client_code/Home/__init__.py": FORM.format("Home")
    + """
class Home(HomeTemplate):
  def __init__(self, **properties):
    self.init_components(**properties)
    names = 'Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune'.split()
    self.rows.items = [{'name': n, 'order': i + 1} for i, n in enumerate(names)]

  def call_click(self, **event_args):
    set_url_hash({'name': 'jupiter', 'moons': 95})
""",
    "client_code/Planet/form_template.yaml": """
    container: {type: ColumnPanel}
    components:
    - {name: head, type: Label, properties: {role: headline}}
    """,
    "client_code/Planet/__init__.py": FORM.format("Planet")
    + """
class Planet(PlanetTemplate):
  def __init__(self, name, moons=2, **properties):
    self.init_components(**properties)
    self.head.text = '%s has %s moons' % (name, moons)
""",
}


def test_pages_by_the_hash_of_the_address(open_app: OpenAnApp) -> None:
    app = open_app(ROUTES, yaml="startup: {type: module, module: startup}\n")
    page = app.page
    expect(page.locator(".anvil-data-row-panel:visible")).to_have_count(4)  # with the titles
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Jupiter", exact=True)).to_be_visible()
    expect(page.get_by_text("Mercury", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Last").click()
    expect(page.locator(".anvil-data-row-panel:visible")).to_have_count(3)
    with page.expect_popup() as popup:  # as on Anvil, a link's url opens in a tab of its own
        page.get_by_text("Mars by hash").click()
    expect(popup.value.get_by_text("mars has 2 moons")).to_be_visible()
    popup.value.close()
    page.get_by_text("Jupiter by code").click()
    expect(page.get_by_text("jupiter has 95 moons")).to_be_visible()
    assert page.evaluate("location.hash") in ("#?name=jupiter&moons=95", "#?moons=95&name=jupiter")
    page.reload()
    expect(page.get_by_text("jupiter has 95 moons")).to_be_visible()


SCRIPTS = {
    "theme/assets/gauge.js": """
    window.Gauge = class Gauge {
      constructor(element, options) { this.element = element; this.options = options; }
      set(value) { this.element.textContent = this.options.unit + value; return this; }
      async later(value) { await null; return value * this.options.factor; }
      onTurn(listener) { this.listener = listener; }
      turn(by) { return this.listener(by, {by, list: [1, 2]}); }
      fail() { throw new RangeError("over the top"); }
    };
    """,
    "theme/assets/shapes.mjs": "export const area = (w, h) => w * h; export default 'shapes';",
    "client_code/Form1/form_template.yaml": """
    container:
      type: HtmlTemplate
      properties:
        html: |
          <div class="frame">
            <h2 anvil-slot="heading"></h2>
            <p id="none" anvil-if-slot-empty="body">nothing here</p>
            <div anvil-slot-repeat="body" class="part">
              <b>part</b> <span anvil-slot="x"></span></div>
            <button id="own" onclick="anvil.call(this, 'from_page', 3, {a: [1]}).then(showAnswer)">
              Own button</button>
            <output id="answer"></output><div id="gauge"></div>
          </div>
          <script>
            function showAnswer(answer) { $('#answer').text(JSON.stringify(answer)); }
            function addUp(a, b) { return a + b; }
            function addLater(a, b) { return new Promise(done => setTimeout(() => done(a + b))); }
          </script>
    components:
    - {name: heading, type: Label, properties: {text: Gauges}, layout_properties: {slot: heading}}
    - {name: one, type: Label, properties: {text: first}, layout_properties: {slot: body}}
    - {name: two, type: Label, properties: {text: second}, layout_properties: {slot: body}}
    """,
    "client_code/Form1/__init__.py": FORM.format("Form1")
    + """
import anvil.js
from anvil.js import window
from anvil.js.window import Gauge, document

class Form1(Form1Template):
  def __init__(self, **properties):
    self.init_components(**properties)
    window.form = self.report

  def from_page(self, number, options):
    return {'number': number + 1, 'options': options, 'waited': anvil.server.call('double', number)}

  def form_show(self, **event_args):
    pass

  def report(self):
    said = []
    said.append([self.call_js('addUp', 1, 2), anvil.js.call('addLater', 'a', 'b')])
    gauge = Gauge(document.getElementById('gauge'), {'unit': 'EUR ', 'factor': 3})
    gauge.set(7).set(8)
    said.append([gauge.later(5), gauge.options.unit, gauge['options']['factor']])
    heard = []
    def turned(by, details):
      heard.append([by, details.by, list(details.list)])
      return by * 2
    gauge.onTurn(turned)
    said.append([gauge.turn(4), heard])
    try:
      gauge.fail()
    except anvil.js.ExternalError as error:
      said.append([str(error), error.original_error.name])
    shapes = anvil.js.import_from(anvil.app.theme_url)
    said.append([shapes.area(2, 3), shapes.default])
    said.append(anvil.js.get_dom_node(self).querySelectorAll('.part').length)
    return said
""",
    "server_code/main.py": """
import anvil.server

@anvil.server.callable
def double(number):
  return number * 2
""",
}


def test_scripts_of_the_page_and_native_libraries(open_app: OpenAnApp) -> None:
    files = dict(SCRIPTS)
    form = "client_code/Form1/__init__.py"
    address = "window.URL('_/theme/shapes.mjs', document.baseURI).href"
    files[form] = files[form].replace("anvil.app.theme_url", address)
    head = 'native_deps: {head_html: "<script src=\\"_/theme/gauge.js\\"></script>"}\n'
    app = open_app(files, yaml="startup_form: Form1\n" + head)
    page = app.page
    expect(page.get_by_role("heading", name="Gauges")).to_be_visible()
    expect(page.locator("#none")).to_be_hidden()
    expect(page.locator(".part:visible")).to_have_text(["part first", "part second"])
    page.get_by_role("button", name="Own button").click()
    expect(page.locator("#answer")).to_have_text(
        '{"number":4,"options":{"a":[1]},"waited":6}', timeout=10_000
    )
    said = page.evaluate("async () => await form()")
    assert said[:3] == [[3, "ab"], [15, "EUR ", 3], [8, [[4, 4, [1, 2]]]]]
    assert "over the top" in said[3][0] and said[3][1] == "RangeError"
    assert said[4:] == [[6, "shapes"], 3]
    expect(page.locator("#gauge")).to_have_text("EUR 8")


BOARD = {
    "client_code/Form1/form_template.yaml": """
    container: {type: ColumnPanel}
    components:
    - name: canvas
      type: Canvas
      properties: {height: 200, background: white}
      event_bindings: {mouse_down: down, mouse_move: move, mouse_up: up, reset: draw}
    - {name: plot, type: Plot, properties: {height: 250}, event_bindings: {click: point_click}}
    - {name: clock, type: Timer, properties: {interval: 0.05}, event_bindings: {tick: tick}}
    - {name: count, type: Label, properties: {text: '0'}}
    - {name: xy, type: XYPanel, properties: {height: 40}, components: [
        {name: at, type: Label, properties: {text: here}, layout_properties: {x: 50, y: 5}}]}
    - {name: notes, type: RichText, properties: {content: "**bold** {tea}", format: markdown},
       components: [{name: b, type: Button, properties: {text: Tea},
                     layout_properties: {slot: tea}}]}
    """,
    "client_code/Form1/__init__.py": FORM.format("Form1")
    + """
import plotly.graph_objects as go

class Form1(Form1Template):
  def __init__(self, **properties):
    self.path = None
    self.lines = []
    self.init_components(**properties)
    self.plot.layout = go.Layout(title='Sales')
    self.plot.data = [go.Scatter(x=[1, 2, 3], y=[3, 1, 2], mode='lines+markers', name='tea'),
                      go.Bar(x=[1, 2, 3], y=[1, 1, 4], name='cake')]

  def down(self, x, y, button, keys, **event_args):
    self.path = [(x, y)]

  def move(self, x, y, **event_args):
    if self.path:
      self.path.append((x, y))
      self.draw()

  def up(self, x, y, **event_args):
    self.lines.append(self.path)
    self.path = None
    self.count.text = 'drawn %s' % len(self.lines[0])

  def draw(self, **event_args):
    c = self.canvas
    c.clear_rect(0, 0, c.get_width(), c.get_height())
    c.stroke_style = '#ff0000'
    c.line_width = 4
    for line in self.lines + ([self.path] if self.path else []):
      c.begin_path()
      c.move_to(*line[0])
      for point in line[1:]:
        c.line_to(*point)
      c.stroke()

  def tick(self, **event_args):
    if self.count.text == '2':
      self.clock.interval = 0
    elif self.count.text.isdigit():
      self.count.text = str(int(self.count.text) + 1)

  def point_click(self, points, **event_args):
    self.count.text = 'point %s' % points[0]['y']
""",
}
RED_PIXELS = """() => {
    const canvas = document.querySelector("canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = [...Array(data.length / 4).keys()].map((i) => data.slice(4 * i, 4 * i + 4));
    return pixels.filter(([red, green, , alpha]) => red > 200 && green < 50 && alpha > 200).length;
}"""


def test_a_board_with_a_drawing_and_a_chart(open_app: OpenAnApp) -> None:
    app = open_app(BOARD, yaml="startup_form: Form1\n")
    page = app.page
    expect(page.get_by_text("2", exact=True).first).to_be_visible()
    box = page.locator("canvas").bounding_box()
    assert box is not None
    assert page.evaluate(RED_PIXELS) == 0
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 100, steps=5)
    page.mouse.up()
    expect(page.get_by_text("drawn 6")).to_be_visible()
    assert page.evaluate(RED_PIXELS) > 100
    expect(page.locator(".anvil-plot .gtitle")).to_have_text("Sales")
    expect(page.locator(".anvil-plot .bars .point")).to_have_count(3)
    expect(page.locator(".anvil-plot .scatterlayer .point")).to_have_count(3)
    here = page.get_by_text("here", exact=True).bounding_box()
    panel = page.locator(".xy-panel").bounding_box()
    assert here is not None and panel is not None
    assert abs(here["x"] - panel["x"] - 50) < 3
    expect(page.locator("strong")).to_have_text("bold")
    expect(page.get_by_role("button", name="Tea")).to_be_visible()


def test_forms_of_runtime_version_1(open_app: OpenAnApp) -> None:
    """Their templates come with `from anvil import *`, other forms and modules by plain names."""
    row = "container: {type: LinearPanel}\ncomponents:\n- {name: l, type: Label}\n"
    main = (
        "container: {type: LinearPanel}\ncomponents:\n"
        "- {name: b, type: Button, properties: {text: Go}, event_bindings: {click: go}}\n"
    )
    files = {
        "client_code/Form1.yaml": main,
        "client_code/Form1.py": """
        from anvil import *
        import anvil.server
        import Words
        from Row import Row

        class Form1(Form1Template):
          def __init__(self, **properties):
            self.init_components(**properties)

          def go(self, **event_args):
            self.add_component(Row(Words.greeting))
        """,
        "client_code/Row.yaml": row,
        "client_code/Row.py": """
        from anvil import *

        class Row(RowTemplate):
          def __init__(self, text, **properties):
            self.init_components(**properties)
            self.l.text = text
        """,
        "client_code/Words.py": "greeting = 'Good day'\n",
    }
    app = open_app(files, yaml="startup_form: Form1\n", version=1)
    app.page.get_by_role("button", name="Go").click()
    expect(app.page.get_by_text("Good day")).to_be_visible()
