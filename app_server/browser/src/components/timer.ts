/** `anvil.Timer`: raises `tick` again and again while it is on the page. */

import { isNone, method, pyError, pyNone, repr, run, toJs, type PyObject } from "../engine/skulpt";
import { defineComponent, jsValueOf, property, type Classic } from "./classic/classic";
import { raiseEvent } from "./core/events";
import { reportError } from "../errors/report";

const MS_PER_S = 1000;

function checkInterval(value: PyObject): PyObject {
  const seconds = toJs(value);
  if (isNone(value) || (typeof seconds === "number" && seconds >= 0)) return value;
  throw pyError(
    "TypeError",
    `Timer.interval must be a number of seconds (0 for never), not ${repr(value)}`,
  );
}

function stop(self: Classic): void {
  clearTimeout(self.handle$ as number | undefined);
  self.handle$ = undefined;
}

/** Wait for the next tick. A tick whose handlers take longer than the interval delays the next. */
function start(self: Classic): void {
  stop(self);
  const interval = Number(jsValueOf(self, "interval") ?? 0) * MS_PER_S;
  if (interval <= 0 || self.isStopped$ || !self.isHere$ || self.isInTick$) return;
  const last = self.lastTickAt$ as number | undefined;
  const wait = last === undefined ? interval : Math.max(1, last + interval - performance.now());
  self.handle$ = window.setTimeout(() => tick(self), wait);
}

function restart(self: Classic): void {
  self.lastTickAt$ = undefined;
  start(self);
}

function tick(self: Classic): void {
  self.lastTickAt$ = performance.now();
  self.isInTick$ = true;
  run(() => raiseEvent(self, "tick"))
    .catch(reportError)
    .finally(() => {
      self.isInTick$ = false;
      start(self);
    });
}

export const Timer = defineComponent({
  name: "Timer",
  events: ["tick"],
  properties: [
    property("interval", "number", 0.5, (self) => restart(self), {
      take: (_self, value) => checkInterval(value),
    }),
  ],
  // Never on the page: a Timer has no place there.
  build: () => document.createElement("div"),
  proto: {
    isInvisible$: true,
    entersPage$() {
      this.isHere$ = true;
      restart(this);
    },
    leavesPage$() {
      this.isHere$ = false;
      stop(this);
    },
  },
  methods: {
    start: method<Classic>([], function () {
      this.isStopped$ = false;
      restart(this);
      return pyNone;
    }),
    stop: method<Classic>([], function () {
      this.isStopped$ = true;
      stop(this);
      return pyNone;
    }),
  },
});
