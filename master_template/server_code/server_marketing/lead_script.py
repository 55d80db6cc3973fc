"""The script that a website loads to show a lead form: plain JavaScript without dependencies.

It draws into a shadow root, so that the website's styles change nothing of it and its own nothing
of the website. Its styles are a constructed style sheet, which a Content-Security-Policy of the
website need not allow; ``script-src`` and ``connect-src`` have to name this instance. It sets no
cookie. Only when someone has closed or sent the form does it keep, in the website's own storage,
until when it shall not come again.

It is text in a module because an App Server hands its workers Python modules and nothing else of
``server_code``.
"""

from __future__ import annotations

_STYLES = """\
:host{all:initial;display:block}
*{box-sizing:border-box}
.card{--primary:var(--mybizz-primary);--on-primary:var(--mybizz-on_primary);
--link:var(--mybizz-link);--ring:var(--mybizz-accent);--ink:#1d2321;--soft:#56605c;
--ground:#fff;--line:#8a938e;--fault:#b3261e;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);
background:var(--ground);border:1px solid #dedbd2;border-radius:20px;
padding:28px;position:relative;text-align:start}
@media(prefers-color-scheme:dark){.card{--primary:var(--mybizz-primary_dark);
--on-primary:#10201b;--link:var(--mybizz-primary_dark);--ring:var(--mybizz-accent_dark);
--ink:#e9ece9;--soft:#a9b3ae;--ground:#1d2320;--line:#78827d;--fault:#ffb4ab;
border-color:#323a36}}
dialog{border:0;padding:0;background:none;width:min(440px,calc(100vw - 32px));max-width:none;
max-height:calc(100dvh - 32px);overflow:auto;margin:auto;color:inherit}
dialog::backdrop{background:#0009}
.inline{max-width:480px}
.bar{position:fixed;z-index:2147483000;inset-inline:0;bottom:0;display:block}
.bar.top{bottom:auto;top:0}
.bar .card{border-radius:0;border-inline:0;padding:16px 24px;max-height:60dvh;overflow:auto}
.bar form{display:flex;flex-wrap:wrap;gap:12px 16px;align-items:end;max-width:1080px;margin:0 auto}
.bar h2{font-size:18px;flex:1 1 100%;margin:0;padding-inline-end:48px}
.bar .intro{display:none}.bar .field{flex:1 1 180px}
.bar .tick{flex:1 1 260px;margin:0}.bar button.send{flex:none}
h2{font-size:24px;line-height:1.25;margin:0 0 8px;padding-inline-end:40px;font-weight:650;
overflow-wrap:anywhere}
.intro{color:var(--soft);margin:0 0 8px;white-space:pre-line;overflow-wrap:anywhere}
.field{display:block;margin-top:14px}.bar .field{margin-top:0}
.name{display:block;font-weight:550;font-size:15px}.name i{font-weight:400;color:var(--soft)}
input:not([type=checkbox]),textarea{display:block;width:100%;min-height:48px;margin-top:4px;
padding:10px 14px;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);
border-radius:12px}
textarea{resize:vertical}
[aria-invalid=true]{border-color:var(--fault)!important}
.fault{display:block;color:var(--fault);font-size:14px;margin-top:4px}
.fault:empty{display:none}
.tick{display:flex;gap:12px;align-items:flex-start;margin-top:16px;font-size:14px;color:var(--soft)}
.tick input{width:22px;height:22px;margin:0;flex:none;accent-color:var(--primary)}
a{color:var(--link)}
button{font:inherit;cursor:pointer;color:inherit}
.send{display:inline-flex;justify-content:center;align-items:center;min-height:48px;
padding:8px 28px;margin-top:20px;width:100%;border:0;border-radius:999px;background:var(--primary);
color:var(--on-primary);font-weight:600}
.bar .send{width:auto;margin-top:0}
.send[disabled]{opacity:.6;cursor:default}
.close{position:absolute;inset-block-start:10px;inset-inline-end:10px;width:44px;height:44px;border:0;
border-radius:50%;background:none;font-size:24px;line-height:1}
.close:hover{background:#8883}
:focus-visible{outline:3px solid var(--ring);outline-offset:2px}
.trap{position:absolute;inset-inline-start:-9999px;width:1px;height:1px;overflow:hidden}
@media(prefers-reduced-motion:no-preference){dialog[open]{animation:rise .2s ease-out}
.bar .card{animation:fade .2s ease-out}}
@keyframes rise{from{opacity:0;transform:translateY(12px)}}
@keyframes fade{from{opacity:0}}
"""

_PROGRAM = """\
(() => {
  "use strict";
  const script = document.currentScript;
  const id = script && script.dataset.form;
  if (!id) return;
  const base = new URL(script.src).origin;
  const memory = "mybizz-form-" + id;
  const STYLES = %(styles)s;

  // Text without credentials: no cookie goes along, and the browser need not ask first.
  const send = (path, body) =>
    fetch(base + path, {
      method: "POST",
      mode: "cors",
      credentials: "omit",
      referrerPolicy: "strict-origin",
      headers: { "Content-Type": "text/plain;charset=UTF-8" },
      body: JSON.stringify(body),
    });

  // Storage may be blocked; then the form only does not remember that it was closed.
  const isResting = () => {
    try {
      return Number(localStorage.getItem(memory)) > Date.now();
    } catch {
      return false;
    }
  };
  const rest = (days) => {
    try {
      if (days > 0) localStorage.setItem(memory, String(Date.now() + days * 86400000));
    } catch {
      // See above.
    }
  };

  const make = (tag, properties, ...children) => {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  };

  const fieldOf = (field, faults) => {
    const input = make(field.type === "textarea" ? "textarea" : "input", {
      name: field.name,
      autocomplete: field.autocomplete,
      required: field.required,
    });
    if (field.type !== "textarea") input.type = field.type;
    const fault = make("span", { className: "fault", id: "e-" + field.name });
    input.setAttribute("aria-describedby", fault.id);
    const name = make("span", { className: "name" }, field.label);
    if (!field.required) name.append(" ", make("i", {}, "(optional)"));
    faults[field.name] = { input, fault };
    return make("div", { className: "field" }, make("label", {}, name, input), fault);
  };

  const consentOf = (config, faults) => {
    const input = make("input", { type: "checkbox", name: "consent" });
    const fault = make("span", { className: "fault", id: "e-consent" });
    input.setAttribute("aria-describedby", fault.id);
    faults.consent = { input, fault };
    const link = make("a", { href: config.privacy_url, target: "_blank", rel: "noopener" });
    link.append("Privacy policy");
    return make(
      "div",
      { className: "tick-box" },
      make(
        "label",
        { className: "tick" },
        input,
        make("span", {}, config.texts.consent + " ", link),
      ),
      fault,
    );
  };

  const showFaults = (faults, messages) => {
    let first = null;
    for (const [name, { input, fault }] of Object.entries(faults)) {
      const message = (messages && messages[name]) || "";
      fault.textContent = message;
      input.setAttribute("aria-invalid", message ? "true" : "false");
      if (message && !first) first = input;
    }
    if (first) first.focus();
  };

  // The form itself; `close` takes it away, where it can be.
  const draw = (config, close) => {
    const faults = {};
    let opened = config.opened;
    const title = make("h2", { id: "title", tabIndex: -1 }, config.texts.heading);
    const problem = make("span", { className: "fault" });
    problem.setAttribute("role", "alert");
    const trap = make("input", { name: "website", tabIndex: -1, autocomplete: "off" });
    const trapBox = make("div", { className: "trap" }, make("label", {}, "Website ", trap));
    trapBox.setAttribute("aria-hidden", "true");
    const button = make("button", { className: "send", type: "submit" }, config.texts.button);
    const form = make("form", { noValidate: true }, title);
    if (config.texts.text) form.append(make("p", { className: "intro" }, config.texts.text));
    form.append(
      ...config.fields.map((field) => fieldOf(field, faults)),
      trapBox,
      consentOf(config, faults),
      problem,
      button,
    );
    const card = make("div", { className: "card" }, form);
    if (close) {
      const cross = make("button", { className: "close", type: "button" }, "\\u00d7");
      cross.setAttribute("aria-label", "Close");
      cross.addEventListener("click", close);
      card.append(cross);
    }

    const read = () => {
      const values = { opened, website: trap.value, page: location.origin + location.pathname };
      for (const [name, { input }] of Object.entries(faults))
        values[name] = name === "consent" ? input.checked : input.value;
      return values;
    };
    const thank = (message) => {
      rest(Math.max(config.trigger.frequency_days, 365));
      const thanks = make("p", { className: "intro" }, message);
      thanks.setAttribute("role", "status");
      form.replaceChildren(title, thanks);
      title.focus();
    };
    const submit = async (isAgain) => {
      const response = await send("/lead/" + id, read());
      const answer = await response.json();
      if (answer.success) return thank(answer.message);
      if (answer.opened && !isAgain) {
        // The page was open for long: once more, with a fresh token.
        opened = answer.opened;
        return submit(true);
      }
      showFaults(faults, answer.fields);
      if (!answer.fields) problem.textContent = answer.error;
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      showFaults(faults, {});
      button.disabled = true;
      try {
        await submit(false);
      } catch {
        problem.textContent =
          "This could not be sent. Please check your connection and try again.";
      }
      button.disabled = false;
    });
    return card;
  };

  const hostOf = (config) => {
    const host = document.createElement("div");
    host.dataset.mybizz = id;
    // The website's styles end here, even those that it calls important.
    host.style.setProperty("all", "initial", "important");
    host.style.setProperty("display", "block", "important");
    const root = host.attachShadow({ mode: "open" });
    for (const [name, value] of Object.entries(config.colours))
      host.style.setProperty("--mybizz-" + name, value);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    return { host, root };
  };

  const count = () => send("/lead/" + id + "/seen", {}).catch(() => {});

  const showInline = (config) => {
    const { host, root } = hostOf(config);
    root.append(make("section", { className: "inline" }, draw(config, null)));
    const place = document.querySelector('[data-mybizz-form="' + id + '"]');
    if (place) place.replaceChildren(host);
    else script.after(host);
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      count();
    });
    seen.observe(host);
  };

  const showBar = (config) => {
    const { host, root } = hostOf(config);
    const close = () => {
      rest(config.trigger.frequency_days);
      host.remove();
    };
    const bar = make(
      "section",
      { className: "bar " + config.trigger.position },
      draw(config, close),
    );
    bar.setAttribute("aria-labelledby", "title");
    bar.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
    root.append(bar);
    document.body.append(host);
    count();
  };

  // A dialog of the browser's own keeps the focus inside and closes by Escape.
  const showPopup = (config) => {
    const { host, root } = hostOf(config);
    const dialog = make("dialog", {});
    dialog.setAttribute("aria-labelledby", "title");
    dialog.append(draw(config, () => dialog.close()));
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      rest(config.trigger.frequency_days);
      host.remove();
    });
    root.append(dialog);
    document.body.append(host);
    dialog.showModal();
    count();
  };

  const once = (function_) => {
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      function_();
    };
  };

  const wait = (trigger, show) => {
    if (trigger.kind === "delay") setTimeout(show, trigger.delay_seconds * 1000);
    else if (trigger.kind === "scroll") {
      const look = () => {
        const page = document.documentElement;
        const way = page.scrollHeight - page.clientHeight;
        if (way <= 0 || (page.scrollTop / way) * 100 >= trigger.scroll_percent) {
          removeEventListener("scroll", look);
          show();
        }
      };
      addEventListener("scroll", look, { passive: true });
      look();
    } else if (trigger.kind === "exit") {
      // The pointer leaves by the top, towards the tabs; a finger has no such way to leave.
      document.addEventListener("mouseout", (event) => {
        if (!event.relatedTarget && event.clientY <= 0) show();
      });
    } else show();
  };

  const start = async () => {
    const response = await fetch(base + "/lead/" + id, { credentials: "omit" });
    const config = await response.json();
    if (!config.success) {
      console.info("Mybizz: " + config.error);
      return;
    }
    if (config.kind === "inline") return showInline(config);
    const show = config.kind === "bar" ? showBar : showPopup;
    document.addEventListener("click", (event) => {
      const opener =
        event.target.closest && event.target.closest('[data-mybizz-open="' + id + '"]');
      if (!opener || document.querySelector('[data-mybizz="' + id + '"]')) return;
      event.preventDefault();
      show(config);
    });
    if (config.trigger.kind === "click" || isResting()) return;
    wait(
      config.trigger,
      once(() => {
        if (!document.querySelector('[data-mybizz="' + id + '"]')) show(config);
      }),
    );
  };

  const begin = () => start().catch(() => {}); // A website works without its form, too.
  if (document.readyState === "loading")
    addEventListener("DOMContentLoaded", begin, { once: true });
  else begin();
})();
"""


def _quoted(text: str) -> str:
    lines = " ".join(text.split("\n"))
    return '"' + lines.replace("\\", "\\\\").replace('"', '\\"') + '"'


SCRIPT = _PROGRAM % {"styles": _quoted(_STYLES)}
