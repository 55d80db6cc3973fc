/**
 * Plain tooltips (https://m3.material.io/components/tooltips) for `data-m3-tooltip`, shown on hover
 * and on keyboard focus, gone with Escape. One element serves the page.
 */
const DELAY_MS = 500;
let bubble;
let timer;
let owner;
/** Whether the last thing that the user did was a key: only then does focus show a tooltip. */
let isByKey = false;

function makeBubble() {
  bubble = document.createElement("div");
  bubble.className = "m3-tooltip m3-body-small";
  bubble.setAttribute("role", "tooltip");
  bubble.setAttribute("popover", "manual");
  bubble.setAttribute("aria-hidden", "true");
  document.body.append(bubble);
}

function place() {
  const anchor = (owner.firstElementChild ?? owner).getBoundingClientRect();
  const box = bubble.getBoundingClientRect();
  const left = Math.min(
    Math.max(8, anchor.left + (anchor.width - box.width) / 2),
    window.innerWidth - box.width - 8,
  );
  const below = anchor.bottom + 4;
  const top = below + box.height > window.innerHeight - 8 ? anchor.top - box.height - 4 : below;
  bubble.style.left = `${left}px`;
  bubble.style.top = `${top}px`;
}

function show() {
  const text = owner?.isConnected ? owner.dataset.m3Tooltip : "";
  if (!text) return;
  if (!bubble) makeBubble();
  bubble.textContent = text;
  bubble.showPopover?.();
  place();
}

function hide() {
  clearTimeout(timer);
  owner = null;
  if (bubble?.matches(":popover-open")) bubble.hidePopover();
}

function begin(event) {
  const target = event.target.closest?.("[data-m3-tooltip]");
  if (!target || target === owner) return;
  hide();
  owner = target;
  timer = setTimeout(show, event.type === "focusin" ? 0 : DELAY_MS);
}

function end(event) {
  if (owner && !owner.contains(event.relatedTarget)) hide();
}

export function startTooltips() {
  if (!HTMLElement.prototype.showPopover) return; // the accessible description remains
  document.addEventListener(
    "pointerover",
    (event) => event.pointerType === "mouse" && begin(event),
  );
  document.addEventListener("pointerout", end);
  document.addEventListener("focusin", (event) => isByKey && begin(event));
  document.addEventListener("focusout", end);
  document.addEventListener("pointerdown", () => {
    isByKey = false;
    hide();
  });
  document.addEventListener("keydown", (event) => {
    isByKey = true;
    if (event.key === "Escape") hide();
  });
}
