/**
 * The socket to the server: opened when the page boots, kept alive, and opened again with growing
 * pauses when it is lost. What is in flight when it drops is not sent again: nobody knows whether
 * the server did it.
 */

export type SocketState = "idle" | "connecting" | "open" | "lost";

/** A server that has not answered within this time is taken for gone. */
const CONNECT_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 10_000;
/** No word for this long after a heartbeat means that the connection is dead. */
const SILENCE_MS = 15_000;
/** The close code of a server that restarts (IANA's registry): somebody is there again soon. */
const SERVICE_RESTART = 1012;
const RESTART_SPREAD_MS = 500;
const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15_000];

export interface SocketListener {
  onMessage(data: string | ArrayBuffer, generation: number): void;
  /** The connection that carried `generation` is gone. */
  onLost(generation: number): void;
  onState(state: SocketState, retryAt: number | null): void;
}

export class ServerSocket {
  private socket: WebSocket | null = null;
  private opening: Promise<WebSocket> | null = null;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private attempts = 0;
  private heartbeats = 0;
  /** When the oldest heartbeat was sent since the last word from the server. Time alone says
   * nothing: browsers slow the clocks of pages in the background. */
  private beatAt: number | null = null;
  private wasOpen = false;
  private isClosed = false;
  /** Counts connections: calls remember which one carried them. */
  generation = 0;
  state: SocketState = "idle";

  constructor(
    private readonly url: string,
    private readonly listener: SocketListener,
  ) {
    addEventListener("online", () => this.retryNow());
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => {
      if (event.persisted) {
        this.isClosed = false;
        this.connect().catch(() => undefined);
      }
    });
  }

  /** The open socket; opens one if there is none. Rejects if that fails. */
  connect(): Promise<WebSocket> {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.socket);
    this.opening ??= this.open().finally(() => (this.opening = null));
    return this.opening;
  }

  retryNow(): void {
    if (this.state === "lost") this.connect().catch(() => undefined);
  }

  private open(): Promise<WebSocket> {
    clearTimeout(this.retry);
    if (this.state !== "lost") this.setState("connecting");
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    let generation = 0;
    return new Promise((resolve, reject) => {
      const timeout = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
      socket.onopen = () => {
        clearTimeout(timeout);
        generation = this.opened(socket);
        resolve(socket);
      };
      socket.onmessage = (event) => {
        this.beatAt = null;
        this.listener.onMessage(event.data as string | ArrayBuffer, generation);
      };
      socket.onclose = (event) => {
        clearTimeout(timeout);
        reject(new Error(`Connection to server failed (${event.code || "closed"})`));
        this.lost(socket, generation, event.code);
      };
    });
  }

  /** The server is about to go: new calls go over a new connection. What is given back closes the
   * old one, once its last call is answered. */
  moveOn(): () => void {
    const old = this.socket;
    this.socket = null;
    clearInterval(this.heartbeat);
    if (!this.isClosed) this.connect().catch(() => undefined);
    return () => old?.close();
  }

  private opened(socket: WebSocket): number {
    this.socket = socket;
    this.generation += 1;
    this.attempts = 0;
    this.wasOpen = true;
    this.beatAt = null;
    clearInterval(this.heartbeat);
    const { generation } = this;
    this.heartbeat = setInterval(() => this.beat(socket, generation), HEARTBEAT_MS);
    this.setState("open");
    return this.generation;
  }

  private beat(socket: WebSocket, generation: number): void {
    if (this.beatAt !== null && performance.now() - this.beatAt > SILENCE_MS) {
      // close() alone may wait a minute for the other side.
      socket.onclose = null;
      socket.close();
      this.lost(socket, generation);
      return;
    }
    this.heartbeats += 1;
    this.beatAt ??= performance.now();
    socket.send(
      JSON.stringify({
        type: "CALL",
        id: `client-keepalive-${this.heartbeats}`,
        command: "anvil.private.echo",
        args: ["keep-alive"],
        kwargs: {},
      }),
    );
  }

  /** `generation` is 0 for a connection that never was open. */
  private lost(socket: WebSocket, generation: number, code = 0): void {
    if (generation > 0) this.listener.onLost(generation);
    const isCurrent = this.socket === socket;
    if (isCurrent) {
      this.socket = null;
      clearInterval(this.heartbeat);
    } else if (generation > 0) {
      return; // one that we moved on from
    }
    if (isCurrent && code === SERVICE_RESTART && !this.isClosed) {
      // Nothing is wrong so far: nobody has to be told.
      const wait = Math.random() * RESTART_SPREAD_MS;
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.connect().catch(() => undefined), wait);
      this.setState("connecting");
      return;
    }
    if (this.isClosed) return;
    const pause = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)]!;
    // Spread out, so that a restarted server does not get all its browsers in one moment.
    const wait = pause * (0.75 + Math.random() / 2);
    this.attempts += 1;
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.connect().catch(() => undefined), wait);
    this.setState("lost", Date.now() + wait);
  }

  /** Whether there ever was a connection on this page. */
  get hasBeenOpen(): boolean {
    return this.wasOpen;
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    clearInterval(this.heartbeat);
    this.socket?.close();
  }

  private setState(state: SocketState, retryAt: number | null = null): void {
    this.state = state;
    this.listener.onState(state, retryAt);
  }
}
