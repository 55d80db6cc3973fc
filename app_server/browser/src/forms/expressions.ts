/**
 * Python expressions in templates: bindings and handlers of DOM events, over `self`.
 *
 * Most are a path such as `self.item['name']`; these are walked here. Anything else is compiled by
 * Skulpt, once, as a module of its own (and so kept in the browser's cache of compiled code).
 */

import { addSource, moduleMember } from "../engine/files";
import {
  call,
  chain,
  getAttr,
  getItem,
  importModule,
  pyInt,
  pyStr,
  setAttr,
  setItem,
  type PyObject,
  type Result,
} from "../engine/skulpt";

type Step = { attribute: string } | { key: PyObject };

const STEP = /^(?:\.\s*([A-Za-z_]\w*)|\[\s*(?:'([^'\\]*)'|"([^"\\]*)"|(-?\d+))\s*\])\s*/;
const paths = new Map<string, Step[] | null>();

/** The steps from `self` on, or null if the code is no plain path. */
function pathOf(code: string): Step[] | null {
  let steps = paths.get(code);
  if (steps !== undefined) return steps;
  steps = null;
  let rest = code.trim();
  if (/^self\b/.test(rest)) {
    rest = rest.slice("self".length).trimStart();
    steps = [];
    while (rest !== "") {
      const match = STEP.exec(rest);
      if (match === null) {
        steps = null;
        break;
      }
      const [whole, attribute, single, double, number] = match;
      if (attribute !== undefined) steps.push({ attribute });
      else if (number !== undefined) steps.push({ key: pyInt(Number(number)) });
      else steps.push({ key: pyStr(single ?? double!) });
      rest = rest.slice(whole.length);
    }
  }
  paths.set(code, steps);
  return steps;
}

const follow = (from: PyObject, step: Step): Result =>
  "attribute" in step ? getAttr(from, step.attribute) : getItem(from, step.key);

function walk(self: PyObject, steps: Step[]): Result {
  const next = (from: PyObject, index: number): Result =>
    index === steps.length
      ? from
      : chain(follow(from, steps[index]!), (value: PyObject) => next(value, index + 1));
  return next(self, 0);
}

const compiled = new Map<string, PyObject>();
let count = 0;

function compile(source: string): Result {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const name = `_anvil_expression_${++count}`;
  addSource({ name, code: source, isPackage: false });
  return chain(importModule(name), (module: PyObject) => {
    const made = moduleMember(module, "run")!;
    compiled.set(source, made);
    return made;
  });
}

/**
 * The value of an expression, or of `target = expression` where it is `chained`. May wait; raises
 * what the expression raises.
 */
export function evaluate(code: string, self: PyObject, chained = false): Result {
  const steps = pathOf(code);
  if (steps !== null) return walk(self, steps);
  const body = chained ? `value = ${code}\n  return value` : `return (${code})`;
  return chain(compile(`def run(self):\n  ${body}\n`), (run: PyObject) => call(run, [self]));
}

/** Assign to what an expression names. May wait. */
export function assign(code: string, self: PyObject, value: PyObject): Result {
  const steps = pathOf(code);
  if (steps === null || steps.length === 0) {
    return chain(compile(`def run(self, value):\n  ${code.trim()} = value\n`), (run: PyObject) =>
      call(run, [self, value]),
    );
  }
  const last = steps[steps.length - 1]!;
  return chain(walk(self, steps.slice(0, -1)), (target: PyObject) =>
    "attribute" in last
      ? (setAttr(target, last.attribute, value) as Result)
      : setItem(target, last.key, value),
  );
}
