/** Google's maps API: its key, and getting it when the first map is on a page. */

import { app } from "../../boot/app";

/** An object of the API, as far as it is used here. */
export interface GoogleObject {
  setOptions(options: Record<string, unknown>): void;
  setMap?(map: GoogleObject | null): void;
  addListener(event: string, handler: (event?: Record<string, unknown>) => void): void;
  [member: string]: unknown;
}

export type GoogleClass = new (...args: unknown[]) => GoogleObject;

export type GoogleMaps = Record<string, GoogleClass>;

declare global {
  interface Window {
    google?: { maps?: GoogleMaps };
    anvilGoogleApiKey?: string;
  }
}

const SERVICE = "/runtime/services/google.yml";
const KEY_NAMES = ["google_api_key", "api_key"];

/** The key that the app is configured with, or null. */
export function apiKey(): string | null {
  const config = app().services[SERVICE] ?? {};
  const found = KEY_NAMES.map((name) => config[name]).find((key) => typeof key === "string" && key);
  return (found as string | undefined) ?? window.anvilGoogleApiKey ?? null;
}

let loading: Promise<GoogleMaps> | undefined;

/** The API. Rejects with an Error if it cannot be fetched; then it may be tried again. */
export function loadMaps(key: string): Promise<GoogleMaps> {
  loading ??= new Promise<GoogleMaps>((resolve, reject) => {
    if (window.google?.maps !== undefined) {
      resolve(window.google.maps);
      return;
    }
    const script = document.createElement("script");
    const address = new URL("https://maps.googleapis.com/maps/api/js");
    address.searchParams.set("key", key);
    address.searchParams.set("libraries", "geometry");
    script.src = address.href;
    const fail = (): void => {
      loading = undefined;
      reject(new Error("Google Maps could not be loaded"));
    };
    script.onload = () => (window.google?.maps ? resolve(window.google.maps) : fail());
    script.onerror = fail;
    document.head.append(script);
  });
  return loading;
}
