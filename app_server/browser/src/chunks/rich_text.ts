/** Markdown to HTML, and HTML to safe HTML. */

import DOMPurify from "dompurify";
import { Marked } from "marked";

const marked = new Marked({ gfm: true, breaks: true, async: false });

/** Links lead out of the app, into a tab of their own. */
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node instanceof HTMLAnchorElement && node.hasAttribute("href")) {
    node.target = "_blank";
    node.rel = "noopener noreferrer";
  }
});

const FORBIDDEN = { FORBID_TAGS: ["style", "form", "dialog"], ADD_ATTR: ["target"] };

/** A fragment of safe HTML: no scripts, no handlers, no forms. */
export const sanitise = (html: string): DocumentFragment =>
  DOMPurify.sanitize(html, { ...FORBIDDEN, RETURN_DOM_FRAGMENT: true });

export const renderMarkdown = (text: string): DocumentFragment =>
  sanitise(marked.parse(text) as string);
