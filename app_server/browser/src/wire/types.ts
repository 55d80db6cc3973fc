/** Shapes of messages on the socket. Names are those of Anvil's protocol. */

export type Path = (string | number)[];
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What JSON cannot hold, by its place in the message. Fields beside these depend on the type. */
export interface WireObject {
  path: Path;
  type: string[];
  [field: string]: unknown;
}

export interface MediaChunk {
  header: {
    type: "CHUNK_HEADER";
    requestId: string;
    mediaId: string;
    chunkIndex: number;
    lastChunk: boolean;
  };
  data: Uint8Array<ArrayBuffer>;
}

/** A call ready to go: the message, and the chunks of its media. */
export interface OutgoingCall {
  message: { type: "CALL"; id: string; objects: WireObject[]; [field: string]: unknown };
  chunks: MediaChunk[];
  /** Capabilities among the arguments, for updates that come with the answer. */
  capabilities: { scopeJson: string; value: unknown }[];
}

export interface WireError {
  type?: string;
  message?: string;
  trace?: [string, number][];
}

export interface IncomingResponse {
  id: string;
  response?: Json;
  error?: WireError;
  objects?: WireObject[];
  vt_global?: Json;
  capUpdates?: Record<string, Json>;
}

/** Media that arrived in chunks, by media id. */
export type ReceivedMedia = Map<string, Blob>;

/** Size of a chunk, as Anvil's client sends it. */
export const CHUNK_BYTES = 65536;

/** Version of the protocol that calls declare (Anvil's PROTOCOL_VERSION). */
export const PROTOCOL_VERSION = 8;
