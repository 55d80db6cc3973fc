/** Reads dates written in a format of Python's `strftime`. */

const MONTHS =
  "january february march april may june july august september october november december".split(
    " ",
  );

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  isAfternoon: boolean | null;
}

type Take = (parts: Parts, text: string) => void;

const number =
  (name: "year" | "month" | "day" | "hour" | "minute" | "second"): Take =>
  (parts, text) => {
    parts[name] = Number(text);
  };

const monthName: Take = (parts, text) => {
  parts.month = MONTHS.findIndex((month) => month.startsWith(text.toLowerCase().slice(0, 3))) + 1;
};

/** Of a two-digit year: 1969 to 2068, as POSIX has it. */
const shortYear: Take = (parts, text) => {
  parts.year = Number(text) + (Number(text) < 69 ? 2000 : 1900);
};

const ignore: Take = () => undefined;

const DIRECTIVES: Record<string, [pattern: string, take: Take]> = {
  Y: ["\\d{4}", number("year")],
  y: ["\\d{2}", shortYear],
  m: ["\\d{1,2}", number("month")],
  d: ["\\d{1,2}", number("day")],
  b: ["[^\\W\\d_]+\\.?", monthName],
  B: ["[^\\W\\d_]+", monthName],
  a: ["[^\\W\\d_]+\\.?", ignore],
  A: ["[^\\W\\d_]+", ignore],
  H: ["\\d{1,2}", number("hour")],
  I: ["\\d{1,2}", number("hour")],
  M: ["\\d{1,2}", number("minute")],
  S: ["\\d{1,2}", number("second")],
  p: [
    "[AaPp][Mm]",
    (parts, text) => {
      parts.isAfternoon = text[0]!.toLowerCase() === "p";
    },
  ],
};

/** Longer forms that the short ones stand for. */
const COMPOUND: Record<string, string> = {
  x: "%m/%d/%Y",
  X: "%H:%M:%S",
  c: "%a %b %d %H:%M:%S %Y",
};

/** The local time that `text` says, or null if it is not in that format or no such day. */
export function parseDate(text: string, format: string): Date | null {
  const takes: Take[] = [];
  const whole = format.replace(/%([xXc])/g, (_all, name: string) => COMPOUND[name]!);
  let isReadable = true;
  const pattern = whole.replace(/%(.)|([^%\s\w])|\s+/gs, (all, name?: string, other?: string) => {
    if (other !== undefined) return `\\${other}`;
    if (name === undefined) return "\\s+";
    if (name === "%") return "%";
    const directive = DIRECTIVES[name];
    if (directive === undefined) isReadable = false;
    else takes.push(directive[1]);
    return directive === undefined ? all : `(${directive[0]})`;
  });
  const match = isReadable ? new RegExp(`^${pattern}$`).exec(text.trim()) : null;
  if (match === null) return null;
  const parts: Parts = {
    ...{ year: 1900, month: 1, day: 1, hour: 0, minute: 0, second: 0 },
    isAfternoon: null,
  };
  takes.forEach((take, index) => take(parts, match[index + 1]!));
  return toDate(parts);
}

function toDate({ year, month, day, hour, minute, second, isAfternoon }: Parts): Date | null {
  const hours = isAfternoon === null ? hour : (hour % 12) + (isAfternoon ? 12 : 0);
  const date = new Date(2000, 0, 1, hours, minute, second);
  date.setFullYear(year, month - 1, day);
  const isReal = date.getMonth() === month - 1 && date.getDate() === day;
  return isReal && hours < 24 && minute < 60 && second < 60 ? date : null;
}
