/**
 * Calls to the server and their answers. One call is on its way at a time, in the order in which
 * they were made (as on Anvil's client): server code may rely on it.
 */

import { call, findAttr, pyName, run, toPy, type Kwargs, type PyObject } from "../engine/skulpt";
import { lookUp } from "../engine/lookup";
import { buildException, Deserializer } from "../wire/deserialize";
import { serializeCall, type CallTarget } from "../wire/serialize";
import { serverClasses } from "../wire/registry";
import type { IncomingResponse, OutgoingCall } from "../wire/types";
import { ServerSocket, type SocketState } from "./socket";

interface IncomingMedia {
  parts: ArrayBuffer[];
  isComplete: boolean;
  type: string;
}

interface Pending {
  outgoing: OutgoingCall;
  generation: number;
  response?: IncomingResponse;
  media: Map<string, IncomingMedia>;
  /** The browser's cookies being brought up to date, if the call changed them. */
  cookiesKept?: Promise<unknown>;
  resolve(value: PyObject): void;
  reject(error: unknown): void;
}

interface ChunkHeader {
  requestId: string;
  mediaId: string;
  lastChunk: boolean;
}

interface ExpectedChunk {
  pending: Pending;
  media: IncomingMedia;
  isLast: boolean;
}

type ServerMessage = Partial<IncomingResponse> & {
  type?: string;
  requestId?: string;
  mediaIds?: string[];
  cause?: { type?: string; message?: string };
  event?: { name: string; payload: unknown };
  output?: string;
  "invalidate-macs"?: unknown;
  "set-cookie"?: unknown;
  [field: string]: unknown;
};

const newId = (): string =>
  typeof crypto.randomUUID === "function"
    ? crypto.randomUUID()
    : Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
        byte.toString(16).padStart(2, "0"),
      ).join("");

export class ServerCalls {
  private readonly socket: ServerSocket;
  private readonly pending = new Map<string, Pending>();
  private readonly eventHandlers = new Map<string, PyObject[]>();
  /** By connection: whose media the next binary message belongs to. */
  private readonly nextChunk = new Map<number, ExpectedChunk>();
  /** Connections that the server takes leave of, by generation: how to close them. */
  private readonly leaving = new Map<number, () => void>();
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    url: string,
    private readonly onState: (state: SocketState, retryAt: number | null) => void,
    private readonly reportError: (error: unknown) => void,
  ) {
    this.socket = new ServerSocket(url, {
      onMessage: (data, generation) => this.receive(data, generation),
      onLost: (generation) => this.failAll(generation),
      onState: (state, retryAt) => this.onState(state, retryAt),
    });
  }

  /** Open the connection; the page does so while the rest of it loads. */
  connect(): Promise<unknown> {
    return this.socket.connect();
  }

  retryNow(): void {
    this.socket.retryNow();
  }

  get isOnline(): boolean {
    return this.socket.state === "open";
  }

  /** Call the server; raises what it raised, or AppOfflineError when it cannot be reached. */
  call(target: CallTarget, args: PyObject[], kwargs?: Kwargs): Promise<PyObject> {
    const id = newId();
    // Serialised now: the arguments may change while earlier calls are on their way.
    const serialized = serializeCall(id, target, args, kwargs);
    // Calls go out in the order in which they were made; none waits for another's answer.
    const sent = this.queue.then(() => this.send(serialized));
    this.queue = sent.catch(() => undefined);
    serialized.catch(() => undefined);
    return sent.then(({ answer }) => answer);
  }

  /** Send a call. The answer stands in an object, lest waiting for the one wait for the other. */
  private async send(serialized: Promise<OutgoingCall>): Promise<{ answer: Promise<PyObject> }> {
    const outgoing = await serialized;
    let socket: WebSocket;
    try {
      socket = await this.socket.connect();
    } catch (error) {
      throw await offlineError((error as Error).message);
    }
    const answer = new Promise<PyObject>((resolve, reject) => {
      const { generation } = this.socket;
      const pending: Pending = { outgoing, generation, media: new Map(), resolve, reject };
      this.pending.set(outgoing.message.id, pending);
      socket.send(JSON.stringify(outgoing.message));
      for (const chunk of outgoing.chunks) {
        socket.send(JSON.stringify(chunk.header));
        socket.send(chunk.data);
      }
    });
    answer.catch(() => undefined); // whoever made the call hears of it
    return { answer };
  }

  /** Send what needs no answer; lost if there is no connection. */
  async notify(message: Record<string, unknown>): Promise<void> {
    try {
      (await this.socket.connect()).send(JSON.stringify(message));
    } catch {
      // The server cannot be told; the person has been.
    }
  }

  addEventHandler(name: string, handler: PyObject): void {
    const handlers = this.eventHandlers.get(name) ?? [];
    this.eventHandlers.set(name, [...handlers, handler]);
    this.socket.connect().catch(() => undefined);
  }

  removeEventHandler(name: string, handler: PyObject, isSame: typeof Object.is): boolean {
    const handlers = this.eventHandlers.get(name) ?? [];
    const kept = handlers.filter((other) => !isSame(other, handler));
    this.eventHandlers.set(name, kept);
    return kept.length < handlers.length;
  }

  private failAll(generation: number): void {
    this.nextChunk.delete(generation);
    this.leaving.delete(generation);
    for (const [id, pending] of this.pending) {
      if (pending.generation !== generation) continue;
      this.pending.delete(id);
      void offlineError("The connection to the server was lost before it answered").then(
        pending.reject,
      );
    }
  }

  private receive(data: string | ArrayBuffer, generation: number): void {
    if (typeof data !== "string") {
      this.receiveChunk(data, generation);
      return;
    }
    const message = JSON.parse(data) as ServerMessage;
    if (message.type === "CHUNK_HEADER") {
      this.expectChunk(message as unknown as ChunkHeader, generation);
    } else if (message.type === "RECONNECT") {
      this.leaving.set(generation, this.socket.moveOn());
      this.closeIfIdle(generation);
    } else if (message.type === "MEDIA_ERROR") {
      this.failMedia(message);
    } else if (message.id !== undefined && ("response" in message || "error" in message)) {
      this.receiveResponse(message as IncomingResponse);
    } else if (message.event !== undefined) {
      this.raiseEvent(message.event.name, message.event.payload);
    } else if (message["invalidate-macs"] !== undefined) {
      this.invalidate();
    } else if (message["set-cookie"] !== undefined) {
      this.keepCookies(message.id, message["set-cookie"]);
    } else if (message.output !== undefined) {
      console.log(message.output);
    } else if (message.error !== undefined) {
      void buildException(message.error).then(this.reportError);
    }
  }

  private receiveResponse(message: IncomingResponse): void {
    const pending = this.pending.get(message.id);
    if (pending === undefined) return;
    pending.response = message;
    for (const object of message.objects ?? []) {
      if (object.type[0] !== "DataMedia") continue;
      const type = (object["mime-type"] as string | null) ?? "application/octet-stream";
      pending.media.set(object.id as string, { parts: [], isComplete: false, type });
    }
    this.finishIfComplete(message.id, pending);
  }

  /** The server is about to go, and a connection that it takes leave of has no more to bring. */
  private closeIfIdle(generation: number): void {
    const close = this.leaving.get(generation);
    if (close === undefined) return;
    for (const pending of this.pending.values()) if (pending.generation === generation) return;
    this.leaving.delete(generation);
    close();
  }

  private expectChunk(header: ChunkHeader, generation: number): void {
    const pending = this.pending.get(header.requestId);
    const media = pending?.media.get(header.mediaId);
    if (pending && media) {
      this.nextChunk.set(generation, { pending, media, isLast: header.lastChunk });
    } else {
      this.nextChunk.delete(generation);
    }
  }

  private receiveChunk(data: ArrayBuffer, generation: number): void {
    const expected = this.nextChunk.get(generation);
    this.nextChunk.delete(generation);
    if (expected === undefined) return;
    expected.media.parts.push(data);
    expected.media.isComplete = expected.isLast;
    this.finishIfComplete(expected.pending.outgoing.message.id, expected.pending);
  }

  private failMedia(message: ServerMessage): void {
    const pending = this.pending.get(message.requestId ?? "");
    if (pending === undefined) return;
    this.pending.delete(message.requestId!);
    this.closeIfIdle(pending.generation);
    const cause = message.cause ?? { message: "Media was lost on its way from the server" };
    void buildException(cause).then(pending.reject);
  }

  private finishIfComplete(id: string, pending: Pending): void {
    if (pending.response === undefined) return;
    for (const media of pending.media.values()) {
      if (!media.isComplete) return;
    }
    this.pending.delete(id);
    this.closeIfIdle(pending.generation);
    this.finish(pending, pending.response).then(pending.resolve, pending.reject);
  }

  /** Cookies cannot travel by socket: ask for them, and answer the call when they are there, so
   * that a page opened next already has them. Without them only what they keep is lost. A text is
   * a ticket for the new cookie of a session in which somebody has just logged in. */
  private keepCookies(id: string | undefined, ticket: unknown): void {
    const headers: Record<string, string> =
      typeof ticket === "string" ? { "X-Anvil-Ticket": ticket } : {};
    const options = { method: "POST", keepalive: true, headers };
    const kept = fetch("_/request_cookies", options).catch(() => undefined);
    const pending = this.pending.get(id ?? "");
    if (pending !== undefined) pending.cookiesKept = Promise.all([pending.cookiesKept, kept]);
  }

  private async finish(pending: Pending, response: IncomingResponse): Promise<PyObject> {
    await pending.cookiesKept;
    if (response.error) throw await buildException(response.error);
    const media = new Map(
      [...pending.media].map(([id, { parts, type }]) => [id, new Blob(parts, { type })]),
    );
    const deserializer = await new Deserializer({
      objects: response.objects ?? [],
      vt_global: response.vt_global,
      media,
    }).open(response.vt_global);
    const result = await deserializer.decode("response", response.response ?? null);
    const updates = await deserializer.decodeEntries("capUpdates", response.capUpdates ?? {});
    await this.applyUpdates(pending, updates);
    return result;
  }

  /** The server's news about capabilities that were among the arguments. */
  private async applyUpdates(pending: Pending, updates: [string, PyObject][]): Promise<void> {
    for (const [scope, update] of updates) {
      const scopeJson = JSON.stringify(JSON.parse(scope));
      for (const { scopeJson: known, value } of pending.outgoing.capabilities) {
        if (known !== scopeJson) continue;
        await run(() => call(findAttr(value as PyObject, "_apply_update")!, [update]));
      }
    }
  }

  private raiseEvent(name: string, payload: unknown): void {
    for (const handler of this.eventHandlers.get(name) ?? []) {
      run(() => call(handler, [toPy(payload)])).catch(this.reportError);
    }
  }

  private invalidate(): void {
    const handler = serverClasses.onInvalidated;
    if (handler) run(() => call(handler)).catch(this.reportError);
  }
}

async function offlineError(message: string): Promise<PyObject> {
  return run(() => call(lookUp("anvil.server", "AppOfflineError"), [pyName(message)]));
}
