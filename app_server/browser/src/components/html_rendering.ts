/** HTML of an HtmlComponent, read for the places and elements in it that have a meaning. */

const DOM_EVENT = "anvil:on-dom:";
const DOM_NODE = "anvil:dom-node";
const DEFAULT_ZONE = "default";

interface DomHandler {
  element: Element;
  event: string;
  code: string;
}

export interface RenderedHtml {
  source: string;
  /** The HTML's single root element, or a `<div>` around it. */
  root: HTMLElement;
  zones: Map<string, Element>;
  nodes: Map<string, Element>;
  /** Handlers of DOM events that have not been attached yet. */
  handlers: DomHandler[];
  /** Scripts that have not run: they do when the component first is on the page. */
  scripts: HTMLScriptElement[];
}

/** The one element that is the whole fragment, if it is that. */
function onlyElement(fragment: DocumentFragment): HTMLElement | null {
  const shown = [...fragment.childNodes].filter(
    (node) =>
      node.nodeType === Node.ELEMENT_NODE ||
      (node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== ""),
  );
  const only = shown.length === 1 ? shown[0] : null;
  return only instanceof HTMLElement && only.localName !== "anvil-dropzone" ? only : null;
}

function rootOf(source: string): HTMLElement {
  const template = document.createElement("template");
  template.innerHTML = source;
  const fragment = document.importNode(template.content, true);
  const only = onlyElement(fragment);
  if (only !== null) return only;
  const box = document.createElement("div");
  box.append(fragment);
  return box;
}

export function renderHtml(source: string): RenderedHtml {
  const root = rootOf(source);
  const zones = new Map<string, Element>();
  const nodes = new Map<string, Element>();
  const handlers: DomHandler[] = [];
  const scripts: HTMLScriptElement[] = [];
  for (const element of [root, ...root.querySelectorAll("*")]) {
    if (element.localName === "anvil-dropzone") {
      zones.set(element.getAttribute("name") ?? DEFAULT_ZONE, element);
    } else if (element instanceof HTMLScriptElement) {
      scripts.push(element);
    }
    const name = element.getAttribute(DOM_NODE);
    if (name) nodes.set(name, element);
    if (name === null) continue;
    for (const { name: attribute, value } of [...element.attributes]) {
      if (!attribute.startsWith(DOM_EVENT)) continue;
      handlers.push({ element, event: attribute.slice(DOM_EVENT.length), code: value });
      element.removeAttribute(attribute); // it is Python, of no use in the page
    }
  }
  return { source, root, zones, nodes, handlers, scripts };
}

/** Scripts put into the page as HTML do not run; copies of them do. */
export function freshScript(script: HTMLScriptElement): HTMLScriptElement {
  const copy = document.createElement("script");
  for (const { name, value } of [...script.attributes]) copy.setAttribute(name, value);
  copy.textContent = script.textContent;
  return copy;
}
