/** Python's dates and the browser's: local wall time on both sides. */

import { lookUp } from "../../engine/lookup";
import {
  call,
  callSync,
  findAttr,
  isInstance,
  isNone,
  isStr,
  pyError,
  pyInt,
  pyStr,
  repr,
  textOf,
  toJs,
  typeName,
  type PyObject,
  type Result,
} from "../../engine/skulpt";
import { parseDate } from "./strptime";

const US_PER_MS = 1000;

const isDatetime = (value: PyObject): boolean => isInstance(value, lookUp("datetime", "datetime"));
const isDate = (value: PyObject): boolean => isInstance(value, lookUp("datetime", "date"));

const numberIn = (value: PyObject, name: string): number => toJs(findAttr(value, name)) as number;

function fromPy(value: PyObject): Date {
  const date = new Date(2000, 0, 1);
  if (isDatetime(value)) {
    const offset = callSync(findAttr(value, "utcoffset")!);
    const ms = Math.round(numberIn(value, "microsecond") / US_PER_MS);
    const time = ["hour", "minute", "second"].map((name) => numberIn(value, name));
    if (!isNone(offset)) {
      const seconds = toJs(callSync(findAttr(offset, "total_seconds")!)) as number;
      const utc = new Date(Date.UTC(2000, 0, 1, time[0], time[1], time[2]! - seconds, ms));
      const days = [numberIn(value, "year"), numberIn(value, "month") - 1, numberIn(value, "day")];
      const shift = Date.UTC(2000, 0, 1);
      const day = new Date(shift);
      day.setUTCFullYear(days[0]!, days[1], days[2]);
      return new Date(utc.getTime() + day.getTime() - shift);
    }
    date.setFullYear(numberIn(value, "year"), numberIn(value, "month") - 1, numberIn(value, "day"));
    date.setHours(time[0]!, time[1], time[2], ms);
    return date;
  }
  date.setFullYear(numberIn(value, "year"), numberIn(value, "month") - 1, numberIn(value, "day"));
  return date;
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

function fromText(text: string, format: string): Date | null {
  if (text === "now") return new Date();
  const parsed = format === "" ? null : parseDate(text, format);
  if (parsed !== null) return parsed;
  if (ISO_DATE.test(text)) return parseDate(text, "%Y-%m-%d");
  if (!ISO_TIME.test(text)) return null;
  const time = new Date(text.replace(" ", "T").replace(",", "."));
  return Number.isNaN(time.getTime()) ? null : time;
}

/**
 * The local time that a value of a DatePicker's property means, null for none. Takes None, "", a
 * date, a datetime, "now", text in `format` or in ISO 8601. Raises TypeError and ValueError.
 */
export function readDate(value: PyObject, format: string, property: string): Date | null {
  if (isNone(value) || (isStr(value) && value.v.trim() === "")) return null;
  if (isStr(value)) {
    const read = fromText(value.v.trim(), format);
    if (read !== null) return read;
    const formats = format === "" ? "" : `in the format '${format}' nor `;
    throw pyError(
      "ValueError",
      `DatePicker.${property}: ${repr(value)} is ${formats ? "neither " : "not "}${formats}an ISO date`,
    );
  }
  if (isDate(value)) return fromPy(value);
  throw pyError(
    "TypeError",
    `DatePicker.${property} must be a date, a datetime, a string or None, not ${typeName(value)}`,
  );
}

/** Whether a value has a time of day that a date alone would lose. */
export const hasTime = (value: PyObject): boolean => !isNone(value) && isDatetime(value);

/** `datetime.date`, or `datetime.datetime` in the browser's timezone. */
export function toPyDate(date: Date, withTime: boolean): PyObject {
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  if (!withTime) return callSync(lookUp("datetime", "date"), day.map(pyInt));
  const offset = pyInt(-date.getTimezoneOffset());
  const zone = callSync(lookUp("anvil.tz", "tzoffset"), [], ["minutes", offset]);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()];
  const parts = [...day, ...time, date.getMilliseconds() * US_PER_MS].map(pyInt);
  return callSync(lookUp("datetime", "datetime"), [...parts, zone]);
}

/** Text in a format of Python's `strftime`. */
export const formatDate = (date: Date, format: string, withTime: boolean): string => {
  const value: Result = call(findAttr(toPyDate(date, withTime), "strftime")!, [pyStr(format)]);
  return textOf(value as PyObject);
};

const pad = (value: number, length = 2): string => String(value).padStart(length, "0");

/** The value of a native input: `2024-05-06` or `2024-05-06T07:08`. */
export function toNative(date: Date, withTime: boolean): string {
  const day = `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return withTime ? `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}` : day;
}

/** The local time of a native input's value, null for none. */
export function fromNative(value: string): Date | null {
  const match = /^(\d+)-(\d+)-(\d+)(?:T(\d+):(\d+)(?::(\d+))?)?/.exec(value);
  if (match === null) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)));
  const date = new Date(2000, 0, 1, hour, minute, second);
  date.setFullYear(year!, month! - 1, day);
  return date;
}
