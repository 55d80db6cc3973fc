/** `anvil.YouTubeVideo`: a video in YouTube's own player, in its mode without cookies. */

import {
  method,
  pyError,
  pyNone,
  pyStr,
  toJs,
  toPy,
  type MethodDef,
  type PyObject,
} from "../engine/skulpt";
import {
  boolProperty,
  defineComponent,
  isOn,
  jsValueOf,
  property,
  textProperty,
  type Classic,
  type Property,
} from "./classic/classic";
import {
  appearanceGroup,
  heightProperty,
  layoutGroup,
  marginGroup,
  tooltipProperty,
} from "./classic/groups";
import { dispatch } from "./core/events";

/** See https://developers.google.com/youtube/iframe_api_reference */
interface Player {
  playVideo(): void;
  pauseVideo(): void;
  stopVideo(): void;
  seekTo(seconds: number, allowSeekAhead: boolean): void;
  mute(): void;
  unMute(): void;
  isMuted(): boolean;
  setVolume(volume: number): void;
  getVolume(): number;
  getCurrentTime(): number;
  getDuration(): number;
  getPlayerState(): number;
}

interface Events {
  onReady(): void;
  onStateChange(event: { data: number }): void;
}

interface YouTube {
  Player: new (frame: HTMLIFrameElement, options: { events: Events }) => Player;
}

declare global {
  interface Window {
    YT?: YouTube;
    onYouTubeIframeAPIReady?: () => void;
  }
}

const PLAYER_HOST = "https://www.youtube-nocookie.com";
const API = "https://www.youtube.com/iframe_api";

const STATES: Record<number, string> = {
  [-1]: "UNSTARTED",
  0: "ENDED",
  1: "PLAYING",
  2: "PAUSED",
  3: "BUFFERING",
  5: "CUED",
};
const stateName = (state: number | undefined): string => STATES[state ?? NaN] ?? "UNKNOWN";

let loading: Promise<YouTube> | undefined;

/** YouTube's script for players, fetched when the first video is on a page. */
function loadApi(): Promise<YouTube> {
  loading ??= new Promise<YouTube>((resolve, reject) => {
    if (window.YT?.Player !== undefined) {
      resolve(window.YT);
      return;
    }
    window.onYouTubeIframeAPIReady = () => resolve(window.YT!);
    const script = document.createElement("script");
    script.src = API;
    script.onerror = () => {
      loading = undefined; // the next video may try again
      reject(new Error("YouTube's player could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

const frameOf = (self: Classic): HTMLIFrameElement => self.parts$.frame as HTMLIFrameElement;
const playerOf = (self: Classic): Player | null => (self.player$ ?? null) as Player | null;

/** The id of a video, also from its address. */
function videoId(written: string): string {
  const match = /(?:vi\/|[?&]v=|\/v\/|youtu\.be\/|\/embed\/|\/shorts\/)([\w-]+)/.exec(written);
  return match?.[1] ?? written.trim();
}

function showVideo(self: Classic): void {
  const id = videoId(String(jsValueOf(self, "youtube_id") ?? ""));
  if (!self.isHere$) return;
  if (id === "") {
    frameOf(self).removeAttribute("src");
    return;
  }
  const address = new URL(`${PLAYER_HOST}/embed/${encodeURIComponent(id)}`);
  const settings = { rel: "0", enablejsapi: "1", origin: location.origin };
  for (const [name, value] of Object.entries(settings)) address.searchParams.set(name, value);
  for (const name of ["autoplay", "mute", "loop"]) {
    if (isOn(self, name)) address.searchParams.set(name, "1");
  }
  if (isOn(self, "loop")) address.searchParams.set("playlist", id); // YouTube repeats only lists
  if (frameOf(self).src === address.href) return;
  frameOf(self).src = address.href;
  connect(self);
}

/** Get hold of the player in the frame. Without it the video plays, but Python cannot steer it. */
function connect(self: Classic): void {
  self.player$ = null;
  self.ready$ = loadApi().then(
    (api) =>
      new Promise<Player>((resolve) => {
        const player = new api.Player(frameOf(self), {
          events: {
            onReady() {
              self.player$ = player;
              player.setVolume(Number(jsValueOf(self, "volume")));
              if (isOn(self, "mute")) player.mute();
              resolve(player);
            },
            onStateChange: ({ data }) =>
              dispatch(self, "state_change", { state: pyStr(stateName(data)) }),
          },
        });
      }),
  );
  (self.ready$ as Promise<Player>).catch((error: unknown) => console.warn(String(error)));
}

/** Have the player do something, as soon as it is there. */
function steer(self: Classic, act: (player: Player) => void): void {
  (self.ready$ as Promise<Player> | undefined)?.then(act, () => undefined);
}

const action = (act: (player: Player) => void): MethodDef<Classic> =>
  method<Classic>([], function () {
    steer(this, act);
    return pyNone;
  });

const readOnly = (name: string, read: (player: Player | null) => PyObject): Property =>
  property(name, "object", null, undefined, {
    read: (self) => read(playerOf(self)),
    take() {
      throw pyError("AttributeError", `YouTubeVideo.${name} is read-only`);
    },
  });

export const YouTubeVideo = defineComponent({
  name: "YouTubeVideo",
  events: ["state_change"],
  properties: [
    boolProperty("autoplay", false, showVideo),
    boolProperty("loop", false, showVideo),
    boolProperty("mute", false, (self, isMuted) =>
      steer(self, (player) => (isMuted ? player.mute() : player.unMute())),
    ),
    textProperty("youtube_id", "", showVideo),
    property(
      "volume",
      "number",
      50,
      (self, value) => steer(self, (player) => player.setVolume(Number(toJs(value)))),
      { read: (self) => toPy(playerOf(self)?.getVolume() ?? jsValueOf(self, "volume")) },
    ),
    property(
      "current_time",
      "number",
      0.0,
      (self, value) => steer(self, (player) => player.seekTo(Number(toJs(value)), true)),
      { read: (self) => toPy(playerOf(self)?.getCurrentTime() ?? 0) },
    ),
    readOnly("state", (player) => pyStr(stateName(player?.getPlayerState()))),
    readOnly("duration", (player) => toPy(player?.getDuration() ?? 0)),
    heightProperty(),
    ...appearanceGroup(),
    ...marginGroup(),
    ...layoutGroup(),
    tooltipProperty(),
  ],
  build(self) {
    const root = document.createElement("div");
    root.className = "anvil-youtube-video";
    const frame = document.createElement("iframe");
    frame.title = "YouTube video";
    frame.allowFullscreen = true;
    frame.allow = "autoplay; encrypted-media; picture-in-picture";
    frame.referrerPolicy = "strict-origin-when-cross-origin";
    root.append(frame);
    self.parts$.frame = frame;
    return root;
  },
  proto: {
    entersPage$() {
      this.isHere$ = true;
      showVideo(this);
    },
    leavesPage$() {
      this.isHere$ = false;
    },
  },
  methods: {
    play: action((player) => player.playVideo()),
    pause: action((player) => player.pauseVideo()),
    stop: action((player) => player.stopVideo()),
  },
});
