/** What went wrong, in words for a person and in detail for whoever mends it. */

import { isException, pyError, repr, textOf, type PyException } from "../engine/skulpt";
import type { WireError } from "../wire/types";

export interface ErrorDescription {
  /** Name of the error's type as Python or the server knows it. */
  type: string;
  message: string;
  /** Python traceback, innermost call last. */
  traceback: { filename: string; lineno: number; fromServer: boolean }[];
  /** JavaScript's own stack, where the error came from there. */
  stack: string | undefined;
  /** Whether the message was written for whoever uses the app, rather than for its programmer. */
  isForPeople: boolean;
}

/** Types that Python itself raises: their messages speak of code. */
const PROGRAMMING_ERRORS = [
  ...["ArithmeticError", "AssertionError", "AttributeError", "EOFError", "ImportError"],
  ...["IndentationError", "IndexError", "KeyError", "LookupError", "ModuleNotFoundError"],
  ...["NameError", "NotImplementedError", "OverflowError", "RecursionError", "StopIteration"],
  ...["SyntaxError", "SystemError", "TypeError", "UnboundLocalError", "UnicodeDecodeError"],
  ...["UnicodeEncodeError", "ZeroDivisionError", "ExternalError", "SuspensionError"],
  ...["ReferenceError", "RangeError", "SerializationError", "NoServerFunctionError"],
];

const isForPeople = (type: string, message: string): boolean =>
  message !== "" && !PROGRAMMING_ERRORS.includes(type.slice(type.lastIndexOf(".") + 1));

function messageOf(error: PyException): string {
  const [first] = error.args?.v ?? [];
  if (first === undefined) return "";
  try {
    return textOf(first);
  } catch {
    return repr(first);
  }
}

export function describeError(error: unknown): ErrorDescription {
  if (isException(error)) {
    const wire = error.anvil$error as WireError | undefined;
    const native = error.nativeError;
    const type = wire?.type ?? error.tp$name;
    const message = messageOf(error);
    return {
      type,
      message,
      isForPeople: isForPeople(type, message),
      traceback: [...(error.traceback ?? [])]
        .map(({ filename, lineno, fromServer }) => ({
          filename,
          lineno,
          fromServer: Boolean(fromServer),
        }))
        .reverse(),
      stack: native instanceof Error ? native.stack : undefined,
    };
  }
  const { name, message, stack } =
    error instanceof Error ? error : { name: "Error", message: String(error), stack: undefined };
  return { type: name, message, traceback: [], stack, isForPeople: isForPeople(name, message) };
}

/** A traceback as Python prints one. */
export function formatTraceback(error: ErrorDescription): string {
  const lines = error.traceback.map(
    ({ filename, lineno, fromServer }) =>
      `  File "${filename}", line ${lineno}${fromServer ? " (on the server)" : ""}`,
  );
  const summary = error.message ? `${error.type}: ${error.message}` : error.type;
  const head = lines.length > 0 ? ["Traceback (most recent call last):", ...lines] : [];
  return [...head, summary, ...(error.stack ? ["", error.stack] : [])].join("\n");
}

/** A Python exception for whatever was thrown, so that Python can handle it. */
export function asPyException(error: unknown): PyException {
  if (isException(error)) return error;
  return pyError("RuntimeError", error instanceof Error ? error.message : String(error));
}
