"""Prints one list of the addon's target in binding.gyp, as CMake writes lists.

CMakeLists.txt calls it, so that both build systems compile the same files with the same flags and
each list stands in one place. It reads what gyp reads: a Python literal with conditions on OS and
on the file's variables (`name%`, with their defaults), and lists of the target's variables
(`<@(name)`). What gyp asks a command for (`<!(…)`) is left out.

    python3 read_gyp.py binding.gyp linux sources
"""

import ast
import re
import sys


def values_of(block, key, system, variables):
    for value in block.get(key, []):
        name = re.fullmatch(r"<@\((\w+)\)", value)
        if name:
            yield from values_of(variables, name[1], system, variables)
        elif "<" not in value:
            yield value
    for condition, then, *otherwise in block.get("conditions", []):
        holds = eval(condition, {"__builtins__": None}, {"OS": system, **defaults})  # as gyp does
        for chosen in [then] if holds else otherwise:
            yield from values_of(chosen, key, system, variables)


path, system, key = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    whole = ast.literal_eval(file.read())
defaults = {name.rstrip("%"): value for name, value in whole.get("variables", {}).items()}
target = whole["targets"][0]
print(";".join(values_of(target, key, system, target.get("variables", {}))), end="")
