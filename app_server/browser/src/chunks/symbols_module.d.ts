/** Made by the build: see symbols.mjs. */
declare module "virtual:symbols" {
  /** FontAwesome's name to Google's. */
  export const names: Record<string, string>;
  /** Google's name to the path of the picture. */
  export const paths: Record<string, string>;
}
