"""What does not fit on a page, from the smallest phone to a desk."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.product.screens import DESK

# A phone of the smallest kind, a usual one, a desk at 200 % and a desk.
WIDTHS = [320, 390, 640, 1280]
# So many times it is looked whether a fault is gone.
PATIENCE = 60
# What sticks out of the page, or shows less of a text than there is without an ellipsis.
LAYOUT_FAULTS = """() => {
  const seen = (element) =>
    element.checkVisibility({ visibilityProperty: true }) && !element.closest("[inert], .mb-live");
  const name = (element) =>
    `<${element.localName} class="${element.getAttribute("class") ?? ""}"> ` +
    (element.textContent ?? "").trim().replace(/\\s+/g, " ").slice(0, 40);
  const scrolls = (element) => {
    for (let at = element; at; at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const found = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width)
    found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  const main = document.querySelector("main");
  for (const element of main.querySelectorAll("*")) {
    if (!seen(element) || element.closest("svg")) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    if ((box.right > width + 1 || box.left < -1) && !scrolls(element))
      found.push(`sticks out: ${name(element)}`);
    const style = getComputedStyle(element);
    const isText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (isText && style.display !== "inline" && style.overflowX === "visible" &&
        element.scrollWidth > element.clientWidth + 1)
      found.push(`text sticks out: ${name(element)}`);
    if (isText && style.overflowX === "hidden" && style.textOverflow !== "ellipsis" &&
        !style.webkitLineClamp.match(/\\d/) && element.scrollWidth > element.clientWidth + 1)
      found.push(`text is cut off: ${name(element)}`);
  }
  return found.slice(0, 6);
}"""


def _lasting_faults(page: Page) -> list[str]:
    """Charts follow the size some frames later; what is still there then is a fault."""
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    faults: list[str] = []
    for _ in range(PATIENCE):
        page.evaluate(frames)
        faults = page.evaluate(LAYOUT_FAULTS)
        if not faults:
            break
    return faults


def layout_faults(page: Page) -> list[str]:
    """What sticks out or is cut off at any of the widths."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        found += [f"{width}: {fault}" for fault in _lasting_faults(page)]
    page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return found
