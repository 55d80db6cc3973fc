"""Code that looks names up where they live: in the browser's Python, and in a worker's."""

from __future__ import annotations

CHECK = '''
import sys

def check_names(modules, params_of):
    """What is not as listed: [text]. Runs in the browser and in a worker. ``params_of`` gives the
    names that a function takes, with "*" and "**" for the rest, or None where that is not told."""
    problems = []

    def find(value, path):
        for part in path.split("."):
            value = getattr(value, part)
        return value

    def try_it(name, work):
        try:
            return work()
        except BaseException as error:
            problems.append("%s: %s: %s" % (name, type(error).__name__, error))

    def check_params(module, path, wanted, is_method):
        taken = params_of(module, path)
        if taken is None:
            return
        wanted = wanted.split()
        if "/" in wanted:
            wanted = wanted[wanted.index("/") + 1:]
        lacking = []
        for word in wanted:
            if word == "*":
                continue
            star = "**" if word.startswith("**") else "*" if word.startswith("*") else ""
            if star not in taken if star else word not in taken and "**" not in taken:
                lacking.append(word)
        if lacking:
            problems.append("%s.%s does not take %s, only %s" % (module, path, lacking, taken))

    def check_members(name, value, entry, module, path, of):
        for method, params in entry.get("methods", {}).items():
            found = try_it(name + "." + method, lambda: find(value, method))
            if found is not None:
                if not callable(found):
                    problems.append("%s.%s cannot be called" % (name, method))
                elif path:
                    check_params(of, path + "." + method, params, True)

    def check_module(entry):
        name = entry["module"]
        if "lacking" in entry:
            try:
                __import__(name)
            except ImportError as error:
                if entry.get("needs", name) not in str(error):
                    problems.append(str(error))
            else:
                problems.append("%s is there, though listed as not there" % name)
            return
        __import__(name)
        module = sys.modules[name]
        for function, params in entry.get("functions", {}).items():
            found = try_it(name + "." + function, lambda: find(module, function))
            if found is not None:
                if not callable(found):
                    problems.append("%s.%s cannot be called" % (name, function))
                check_params(name, function, params, False)
        for value in entry.get("values", []):
            try_it(name + "." + value, lambda: find(module, value))
        for one, members in entry.get("objects", {}).items():
            value = try_it(name + "." + one, lambda: find(module, one))
            if value is not None:
                check_members(name + "." + one, value, members, name, "", "")
                for attribute in members.get("attributes", []):
                    try_it(name + "." + one + "." + attribute, lambda: find(value, attribute))
        for one, members in entry.get("classes", {}).items():
            value = try_it(name + "." + one, lambda: find(module, one))
            if value is None:
                continue
            if not isinstance(value, type):
                problems.append("%s.%s is no class" % (name, one))
                continue
            of, path = name, one
            if "of" in members:
                of, _, path = members["of"].rpartition(".")
                __import__(of)
                value = find(sys.modules[of], path)
            check_members(name + "." + one, value, members, of, path, of)
            if "make" in members:
                check_params(of, path, members["make"], True)
            if "instance" in members:
                value = try_it(name + "." + one + "()", lambda: evaluate(members["instance"]))
            for attribute in members.get("attributes", []):
                try_it(name + "." + one + "." + attribute, lambda: find(value, attribute))
        for one, members in entry.get("absent", {}).items():
            code = members.get("try", name + "." + one)
            try:
                evaluate(code)
            except BaseException as error:
                said = "%s: %s" % (type(error).__name__, error)
                if members["says"] not in said:
                    problems.append("%s says %r, not %r" % (code, said, members["says"]))
            else:
                problems.append("%s is there, though listed as not there" % code)

    def evaluate(code):
        names = {"anvil": __import__("anvil"), "import_module": import_module}
        return eval(code, names)

    def import_module(name):
        __import__(name)
        return sys.modules[name]

    for entry in modules:
        try_it(entry["module"], lambda: check_module(entry))
    return problems
'''

# What a function of the browser's Python takes, as Skulpt keeps it. Null where it does not say.
PARAMS_OF = """
() => { window.paramsOf = (module, path) => {
  const names = path.split(".");
  let value = Sk.sysmodules.quick$lookup(new Sk.builtin.str(module));
  for (const name of names) value = Sk.abstr.gattr(value, new Sk.builtin.str(name), false);
  const clean = (name) => String(name.v ?? name).replace(/_\\$rw\\$$/, "");
  if (value.sk$type) value = value.$typeLookup?.(new Sk.builtin.str("__init__")) ?? value;
  const func = value.im_func ?? value;
  const code = func.func_code;
  if (code !== undefined && !code.co_fastcall && code.co_varnames !== undefined) {
    const taken = [...code.co_varnames].map(clean);
    if (code.co_varargs) taken.push("*");
    if (code.co_kwargs) taken.push("**");
    return taken;
  }
  const named = (value.$flags ?? value.d$def?.$flags)?.NamedArgs;
  return named === undefined ? null : named.map(clean);
}; }
"""
SERVER_CODE = f"""
import inspect
import anvil.server
{CHECK}

def params_of(module, path):
    value = sys.modules[module]
    for part in path.split("."):
        value = getattr(value, part)
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    stars = {{inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}}
    return [stars.get(one.kind, one.name) for one in parameters]

@anvil.server.callable
def check(modules):
    return check_names(modules, params_of)
"""
