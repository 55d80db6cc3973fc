/** `m3-avatar`, `m3-avatar-button`, `m3-action-card`, `m3-nav-link`, `m3-label`. */
import "@material/web/focus/md-focus-ring.js";
import "@material/web/ripple/ripple.js";
import { html, nothing } from "lit";
import { M3Element, define, spokenName } from "./element.js";

/** First letters of the first and last word: "Ada King Lovelace" gives "AL". */
export function initials(name) {
  const words = (name ?? "").trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toLocaleUpperCase()).join("");
}

/** A person: picture, else initials, else an icon. */
export class M3Avatar extends M3Element {
  static properties = {
    appearance: {},
    image: {},
    userName: {},
    fallbackIcon: {},
    broken: { state: true },
  };

  willUpdate(changed) {
    if (changed.has("image")) this.broken = false;
  }

  content() {
    if (this.image && !this.broken)
      return html`<img src=${this.image} alt="" @error=${() => (this.broken = true)} />`;
    // Drawn by CSS: letters in the page would count as text that the name has to contain.
    if (this.userName)
      return html`<span class="m3-initials" data-initials=${initials(this.userName)}></span>`;
    return html`<m3-icon name=${this.fallbackIcon || "person"}></m3-icon>`;
  }

  render() {
    return html`<span
      class="m3-avatar"
      data-appearance=${this.appearance || "filled"}
      role="img"
      aria-label=${this.userName || "Person"}
      >${this.content()}</span
    >`;
  }
}

/** An avatar to press. Fires `press`. */
export class M3AvatarButton extends M3Element {
  static properties = {
    ...M3Avatar.properties,
    disabled: { type: Boolean },
    accessibleName: {},
    popup: {},
    expanded: { type: Boolean },
  };

  focus() {
    this.focusPart("button");
  }

  render() {
    return html`<button
      type="button"
      class="m3-avatar-button"
      aria-label=${this.accessibleName || (this.userName ? `Menu of ${this.userName}` : "Menu")}
      aria-haspopup=${this.popup || nothing}
      aria-expanded=${this.popup ? String(Boolean(this.expanded)) : nothing}
      ?disabled=${this.disabled}
      @click=${() => this.emit("press")}
    >
      <m3-avatar
        aria-hidden="true"
        .appearance=${this.appearance}
        .image=${this.image}
        .userName=${this.userName}
        .fallbackIcon=${this.fallbackIcon}
      ></m3-avatar>
      <md-ripple ?disabled=${this.disabled}></md-ripple><md-focus-ring></md-focus-ring>
    </button>`;
  }
}

/** A card that acts as one button; its content is its children. Fires `press`. */
export class M3ActionCard extends HTMLElement {
  static observedAttributes = ["disabled"];

  connectedCallback() {
    this.classList.add("m3-card");
    if (!this.querySelector(":scope > md-ripple")) {
      this.prepend(document.createElement("md-ripple"), document.createElement("md-focus-ring"));
    }
    this.setAttribute("role", "button");
    this.attributeChangedCallback();
    this.addEventListener("click", this.pressed);
    this.addEventListener("keydown", this.keyed);
  }

  disconnectedCallback() {
    this.removeEventListener("click", this.pressed);
    this.removeEventListener("keydown", this.keyed);
  }

  attributeChangedCallback() {
    const isDisabled = this.hasAttribute("disabled");
    this.tabIndex = isDisabled ? -1 : 0;
    this.setAttribute("aria-disabled", String(isDisabled));
    const ripple = this.querySelector(":scope > md-ripple");
    if (ripple) ripple.disabled = isDisabled;
  }

  pressed = () => {
    if (!this.hasAttribute("disabled")) this.dispatchEvent(new CustomEvent("press"));
  };

  keyed = (event) => {
    if (event.target !== this || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    this.pressed();
  };
}

/** A destination in a drawer, rail or bottom bar. Fires `press`. */
export class M3NavLink extends M3Element {
  static properties = {
    label: {},
    icon: {},
    href: {},
    download: {},
    selected: { type: Boolean },
    badge: { type: Boolean },
    badgeCount: {},
  };

  focus() {
    this.focusPart(".m3-nav-link");
  }

  badgeMark() {
    if (!this.badge) return nothing;
    const count = this.badgeCount;
    const hasCount = count !== null && count !== undefined && count !== "" && Number(count) > 0;
    const text = Number(count) > 999 ? "999+" : String(count);
    return hasCount
      ? html`<span class="m3-badge" data-large aria-label=${`, ${count} new`}>${text}</span>`
      : html`<span class="m3-badge" aria-label=", new"></span>`;
  }

  render() {
    const icon = this.icon
      ? html`<m3-icon name=${this.icon} ?filled=${this.selected}></m3-icon>`
      : html`<span class="m3-icon-space"></span>`;
    const content = html`<md-focus-ring></md-focus-ring
      ><span class="m3-nav-icon"><md-ripple></md-ripple>${icon}</span
      ><span class="m3-nav-label">${this.label ?? ""}</span>${this.badgeMark()}`;
    const current = this.selected ? "page" : nothing;
    const name = this.label ? nothing : spokenName(this.icon) || nothing;
    const press = (event) => {
      // With a key for another tab or window it is the browser's link alone.
      if (this.href && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
      if (!this.emit("press")) event.preventDefault();
    };
    if (this.href) {
      return html`<a
        class="m3-nav-link"
        href=${this.href}
        download=${this.download || nothing}
        aria-current=${current}
        aria-label=${name}
        @click=${press}
        >${content}</a
      >`;
    }
    return html`<button
      type="button"
      class="m3-nav-link"
      aria-current=${current}
      aria-label=${name}
      @click=${press}
    >
      ${content}
    </button>`;
  }
}

/** Text with an icon before it. */
export class M3Label extends M3Element {
  static properties = { label: {}, icon: {} };

  render() {
    return html`${this.icon ? html`<m3-icon name=${this.icon}></m3-icon>` : nothing}<span
        class="m3-label-text"
        >${this.label ?? ""}</span
      >`;
  }
}

define("m3-avatar", M3Avatar);
define("m3-avatar-button", M3AvatarButton);
define("m3-action-card", M3ActionCard);
define("m3-nav-link", M3NavLink);
define("m3-label", M3Label);
