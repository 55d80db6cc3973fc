"""Security keys as a second factor: what anvil.users.mfa asks the browser for (WebAuthn).

Bytes travel as base64 in JSON, and JavaScript turns them into buffers and back.
"""

import json

from anvil.js import await_promise, window

_BYTES = """
const toBytes = (text) => Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const told = (credential, names) =>
  JSON.stringify({
    id: toText(credential.rawId),
    ...Object.fromEntries(names.map((name) => [name, toText(credential.response[name])])),
  });
const options = JSON.parse(text);
const { publicKey } = options;
publicKey.challenge = toBytes(publicKey.challenge);
const stopped = (problem) => {
  console.log("No security key was used:", problem);
  return null;
};
"""

_create = window.Function(
    "text",
    _BYTES
    + """
publicKey.user.id = toBytes(publicKey.user.id);
return navigator.credentials
  .create(options)
  .then((one) => told(one, ["attestationObject", "clientDataJSON"]), stopped);
""",
)

_get = window.Function(
    "text",
    _BYTES
    + """
for (const one of publicKey.allowCredentials) one.id = toBytes(one.id);
return navigator.credentials
  .get(options)
  .then((one) => told(one, ["authenticatorData", "clientDataJSON", "signature"]), stopped);
""",
)


def is_webauthn_available():
    return bool(window.navigator.credentials and window.PublicKeyCredential)


def _ask(function, options):
    if not is_webauthn_available():
        raise RuntimeError(
            "Security keys cannot be used here. Is this page in a frame of another site, or not "
            "served by https?"
        )
    answer = await_promise(function(json.dumps(options)))
    return json.loads(answer) if answer else None


def create(options):
    """Register a key. None where that was cancelled."""
    return _ask(_create, options)


def get(options):
    """Have a key sign. None where that was cancelled."""
    return _ask(_get, options)
