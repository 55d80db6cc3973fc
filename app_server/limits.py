"""Every limit of the router, with its unit. Going over one is an error that names it."""

from __future__ import annotations

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""One WebSocket message, as on Anvil's server (``max-websocket-payload``)."""

MAX_MEDIA_BYTES = 128 * 1024 * 1024
"""One media object on its way through the router."""

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The body of one HTTP request, uploads included."""

MEDIA_CHUNK_BYTES = 64 * 1024
MEDIA_TIMEOUT_SECONDS = 60.0
"""Between two chunks of one media object, as on Anvil's server (``MEDIA-TIMEOUT-SECS``)."""

CALL_TIMEOUT_SECONDS = 30.0
"""A call to server code, as on Anvil's server (``--downlink-worker-timeout``)."""

MAX_NESTED_CALLS = 10
"""Calls within calls, as on Anvil's server."""

MAX_CALLS_PER_SOCKET = 100
"""Calls of one browser or uplink that wait for their answer at the same time."""

MAX_CALLS_PER_INSTANCE = 2000
"""Calls of all browsers of an instance that are being served at the same time."""

MAX_UNSENT_PER_SOCKET = 1000
"""Answers to a browser that does not read them. Beyond that its socket is closed."""

MAX_UNREAD_MEDIA_BYTES = 256 * 1024 * 1024
"""What one browser or client uplink may send as media before somebody reads it."""

CHUNK_OVERHEAD_BYTES = 256
"""What a chunk takes in memory beside its bytes, so that tiny ones count for what they are."""

MAX_MEDIA_PER_CALL = 1000
"""Media objects in one message."""

MAX_NAME_CHARS = 1000
"""The name of a function, or the id of a call."""

MAX_SOCKETS_PER_SESSION = 20
MAX_CALLS_PER_SECOND = 100
CALL_BURST = 500
"""Calls that one browser socket may start: a second on average, and at once."""

MAX_REQUESTS_PER_SECOND = 50
REQUEST_BURST = 500
"""HTTP requests to an app's endpoints and routes from one address: a second on average, and at
once (an office behind one address opens the site together). ``--requests-per-second`` sets it."""

MAX_ATTEMPTS_PER_MINUTE = 30
ATTEMPT_BURST = 100
"""Failed log-ins, sign-ups and links by e-mail from one address: on average, and at once. A right
password costs nothing."""

MAX_UPLINK_STACKS = 1000
"""Call stacks that one uplink may keep open (each may hold a transaction)."""

WORKER_IDLE_SECONDS = 600
"""How long a worker process without calls is kept."""

SESSION_IDLE_MINUTES = 60
"""A session that nobody used for so long has expired. An open browser socket counts as use."""

MAX_COOKIE_BYTES = 4000
"""``anvil.server.cookies``: all values of one kind together, as on Anvil's server."""

MIN_COMPRESSED_BYTES = 500
MAX_COMPRESSED_BYTES = 16 * 1024 * 1024
"""Answers outside these sizes are not compressed: it would not pay, or take too long. What comes
in pieces is compressed piece by piece, however much it is."""

COMPRESSION_CACHE_BYTES = 32 * 1024 * 1024
"""Compressed forms of files (those with an ETag), of all instances together."""

MAX_CONNECTIONS = 10_000
MAX_CONNECTIONS_PER_ADDRESS = 1000
"""Of all visitors, and of one address (a mobile network's many visitors may share one)."""

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
"""The first line and the headers of one HTTP request."""

HEAD_SECONDS = 20.0
"""From a connection, or the first byte of a request, to the end of its head."""

BODY_SECONDS = 60.0
READ_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 1024
"""Who sends a body, or reads an answer, more slowly than that after the first minute is cut off."""

MAX_PARTIAL_BYTES = 256 * 1024 * 1024
"""Messages of all connections together of which a part has arrived."""
