/** What the page and its service worker agree on. */

/** Files that never change under their address; everything else always comes from the server. */
export const IMMUTABLE = /^\/_\/(?:(?:runtime|code|app)\/|theme\/@)/;

/** Sent by a page once it stands: `used` are the files that it loaded, `known` further ones that
 * it may come to load; what else is kept belongs to a former release. */
export interface KeepMessage {
  type: "keep";
  used: string[];
  known: string[];
}
