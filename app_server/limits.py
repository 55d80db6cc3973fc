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

MAX_ALL_UPLOADS_BYTES = 512 * 1024 * 1024
"""Media and bodies of all visitors together that are in memory: sent, and not handed on yet."""

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

PACED_CALLS_PER_SECOND = 100
PACED_CALL_BURST = 1000
"""Calls of all browsers of an instance that has neighbours at work: a second on average, and at
once. Those beyond wait for their turn."""

LONGEST_PACE_SECONDS = 10.0
"""How long a call waits for that; where it would be longer, it is refused."""

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

MAX_WORKERS_PER_INSTANCE = 8
"""Worker processes of an app. Each serves one call at a time while there may be more."""

MAX_WORKERS = 64
"""Worker processes of a server, beyond which no instance gets a second one."""

MAX_CALLS_PER_WORKER = 50
"""Calls that share a worker, as threads, when an app has as many workers as it may."""

MAX_WAITING_CALLS = 1000
"""Calls of an app that wait for a worker."""

MAX_WORKER_MEMORY_BYTES = 2 * 1024 * 1024 * 1024
"""Resident memory of a worker, looked at each second; or WORKER_MEMORY_PART of the machine's if
that is less."""

MAX_INSTANCE_MEMORY_BYTES = 3 * 1024 * 1024 * 1024
"""Resident memory of all workers of an app together; or WORKER_MEMORY_PART of the machine's if that
is less. Its largest worker is ended."""

MIN_FREE_MEMORY_PART = 0.06
"""Of the machine's memory. With less than that left, the largest worker of the app that has taken
most is ended, before the system ends something else."""

GREEDY_PROCESSOR_PART = 0.3
MODEST_PROCESSOR_PART = 0.15
"""Of all processors. An app whose workers use more for some seconds yields to the others, until it
uses less than the second for some seconds."""

MAX_WORKERS_OF_GREEDY = 4
"""Worker processes of an app that yields: more would get no more done."""

CRASHES_FORGIVEN = 3
CRASHES_REMEMBERED_SECONDS = 60.0
CRASH_PAUSE_SECONDS = 0.5
LONGEST_CRASH_PAUSE_SECONDS = 30.0
"""When more workers of an app than are forgiven have ended by themselves within the time, the next
one waits: so long, twice as long with each further one, and so long at the most."""

LONGEST_CRASH_WAIT_SECONDS = 2.0
"""How long a call waits for that; where it would be longer, the call is told so at once."""

MAX_SCHEDULED_AT_ONCE = 2
"""Scheduled tasks of all instances together that run at the same time; the others wait their turn,
so that a hundred instances' nightly work is no stampede."""

SCHEDULED_TURN_SECONDS = 30.0
"""After that a scheduled task goes on, and no longer keeps the others waiting."""

WORKER_IDLE_SECONDS = 600
"""How long an app's last worker process is kept without calls."""

EXTRA_WORKER_IDLE_SECONDS = 60
"""How long the others are."""

TASK_STATE_SECONDS = 5
"""How long a background task that is killed may take to tell its last state, as on Anvil's."""

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

KEEP_ALIVE_SECONDS = 75.0
"""How long a connection without requests is kept, as nginx does. Proxies keep theirs for a minute:
the one that sends has to be the first to close, or a request meets a connection that is ending."""

BODY_SECONDS = 60.0
READ_SECONDS = 60.0
SLOWEST_BYTES_PER_SECOND = 1024
"""Who sends a body, or reads an answer, more slowly than that after the first minute is cut off."""

MAX_PARTIAL_BYTES = 256 * 1024 * 1024
"""Messages of all connections together of which a part has arrived."""

WORKER_MEMORY_PART = 0.5
"""Of the machine's memory: a worker process that takes more is ended."""

MAX_OUTPUT_BURST_CHARS = 1024 * 1024
MAX_OUTPUT_CHARS_PER_SECOND = 100_000
"""What the calls in one worker process may print, at once and in the long run. The rest is counted
and left out."""

MAX_OUTPUT_LINE_CHARS = 64 * 1024
"""A longer line is logged in parts."""

MAX_PDF_BROWSERS = 2
MAX_PDF_WAITING = 20
"""Browsers that print at the same time, and prints that wait for one, of all instances."""

MAX_PDF_MEMORY_BYTES = 1536 * 1024 * 1024
"""All processes of one printing browser together."""

PDF_SECONDS = 25.0
PDF_TASK_SECONDS = 60.0
"""For one PDF, waiting included: in a call, which has CALL_TIMEOUT_SECONDS in all, and in a
background task."""

MAX_INCOMING_MAIL_BYTES = 25 * 1024 * 1024
MAX_MAIL_RECIPIENTS = 100
"""Of one incoming message (RFC 5321, 4.5.3.1.8, asks for 100 recipients)."""

MAX_MAIL_CONNECTIONS = 25
MAX_MAIL_CONNECTIONS_PER_ADDRESS = 5
"""Senders of mail that talk to us at the same time. Each may fill MAX_INCOMING_MAIL_BYTES."""

MAX_MAILS_PER_MINUTE = 60
MAIL_BURST = 120
"""Incoming messages from one address: on average, and at once."""

MAIL_COMMAND_SECONDS = 60.0
MAIL_CONNECTION_SECONDS = 600.0
"""Between two signs of life of a sender of mail, and for its whole connection."""

MAX_COUNTED_FUNCTIONS = 300
"""Functions of an instance that get numbers of their own in its metrics; an app has fewer."""
