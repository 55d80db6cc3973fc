"""A way through a page with the Tab key, and what one sees on it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from tests.product.screens import Screen

# So many times it is looked whether one sees the focus.
PATIENCE = 60
FRAME_PATIENCE = 600
# Functions for the page: `tabStops()` numbers what the Tab key should reach and gives a name for
# each; `whereFocusIs()` gives the number of the element with the focus, and what one sees of it.
WATCH = """() => {
  const inner = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
    element.shadowRoot ? [element, ...inner(element.shadowRoot)] : [element]);
  const host = (element) => element.getRootNode().host;
  const describe = (element) => {
    const texts = [element.ariaLabel, element.labels?.[0]?.textContent, element.textContent,
      host(element)?.ariaLabel, host(element)?.label, host(element)?.textContent];
    const name = texts.map((text) => (text ?? "").trim()).find(Boolean) ?? "";
    return `<${element.localName}> ${name.replace(/\\s+/g, " ").slice(0, 40)}`;
  };
  const isOneOfAGroup = (element) =>
    element.type === "radio" || /^(menuitem|option|radio|tab)$/.test(element.role ?? "");
  const isStop = (element) =>
    element.tabIndex >= 0 && !element.shadowRoot?.delegatesFocus && !element.disabled &&
    element.matches("a[href], button, input, select, textarea, [tabindex]") &&
    !isOneOfAGroup(element) && !element.closest("[inert]") && !host(element)?.closest("[inert]") &&
    element.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  window.tabStops = () => {
    window.stops = inner(document).filter(isStop);
    return window.stops.map(describe);
  };
  const rings = (element) => {
    const style = getComputedStyle(element);
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    const parts = [...element.children, ...(element.shadowRoot?.children ?? [])];
    return ring || parts.some((part) => part.matches("md-focus-ring[visible]")) ||
      /^md-(outlined|filled)-(text-field|select|field)$/.test(element.localName);
  };
  window.whereFocusIs = () => {
    let element = document.activeElement;
    const around = [];
    while (element.shadowRoot?.activeElement) {
      around.push(element);
      element = element.shadowRoot.activeElement;
    }
    if (element === document.body) return null;
    around.push(element, ...(element.parentElement ? [element.parentElement] : []));
    const box = element.getBoundingClientRect();
    const isInView = box.bottom > 0 && box.top < innerHeight && box.right > 0 &&
      box.left < innerWidth;
    // What is in a frame is a page of its own.
    const isFrame = element.localName === "iframe";
    return { number: window.stops.indexOf(element), name: describe(element),
      isSeen: isInView && (isFrame || around.some(rings)) };
  };
}"""


def _see_focus(page: Page, unseen: set[str]) -> dict[str, Any] | None:
    """Where the focus is. A frame is scrolled to some time after it got it. For what is known to be
    ``unseen`` nothing is waited."""
    stop: dict[str, Any] | None = None
    for look in range(FRAME_PATIENCE):
        stop = page.evaluate("whereFocusIs()")
        if stop is None or stop["isSeen"] or stop["name"] in unseen:
            break
        if look >= PATIENCE and not stop["name"].startswith("<iframe>"):
            break
        page.evaluate("new Promise((done) => requestAnimationFrame(done))")
    return stop


def walk_by_tab(page: Page) -> list[str]:
    """What is wrong on the way through the page with the Tab key."""
    page.evaluate(WATCH)
    page.evaluate("document.activeElement.blur()")
    names = page.evaluate("tabStops()")
    reached: set[int] = set()
    last = None
    faults = []
    unseen: set[str] = set()
    for _ in range(2 * len(names) + 8):
        page.keyboard.press("Tab")
        stop = _see_focus(page, unseen)
        if stop is None:
            # At its end a page gives the focus to the browser. It may have begun in its middle.
            continue
        # A field for a date has several stops of its own.
        if stop["number"] in reached and stop["number"] != last:
            break
        last = stop["number"]
        if stop["number"] >= 0:
            reached.add(stop["number"])
        if not stop["isSeen"]:
            unseen.add(stop["name"])
            faults.append(f"one does not see the focus on {stop['name']}")
    else:
        faults.append("the focus does not come to an end")
    missed = [name for number, name in enumerate(names) if number not in reached]
    return faults + [f"the Tab key does not reach {name}" for name in missed]


def tab_to(screen: Screen, tag: str, name: str) -> None:
    """Press Tab until the focus is on something of this kind and name."""
    page = screen.page
    page.evaluate(WATCH)
    page.evaluate("tabStops()")
    for _ in range(80):
        page.keyboard.press("Tab")
        stop = page.evaluate("whereFocusIs()")
        if stop and stop["name"].startswith(f"<{tag}>") and name in stop["name"]:
            return
    raise AssertionError(f"80 times Tab did not come to {name}")
