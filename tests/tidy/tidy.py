#!/usr/bin/env python3
# Why: the style of the house as a test, so that nobody has to remember or argue it. Prints
# file:line: message for every fault; the rules are in rules.py, and tidy_test.py tests them.
import pathlib
import sys
import tomllib

sys.dont_write_bytecode = True
import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = (".cpp", ".hpp", ".py", ".sh", ".cmake", ".txt", ".toml", ".yml", ".yaml", ".json", ".md",
         ".js", ".css", ".html", ".service", ".sysusers", ".tmpfiles")
# The rules and their tests must be able to name what they forbid.
EXEMPT = ("tests/tidy/",)
RUNBOOK = "config/runbook.toml"


def skipped(parts):
    return any(p.startswith("build") or p in ("node_modules", "__pycache__")
               or (p.startswith(".") and p != ".ci") for p in parts)


def files(root):
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and path.suffix in KINDS and not skipped(relative.parts[:-1]):
            yield relative.as_posix(), path


def check_tree(root):
    """How many files there are, and every fault as (file, line, message)."""
    faults = []
    count = 0
    for name, path in files(root):
        count += 1
        if name.startswith(EXEMPT):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        faults += [(name, line, message) for line, message in rules.check_file(name, text)]
    faults += [(RUNBOOK, line, message) for line, message in runbook(root / RUNBOOK)]
    return count, faults


def runbook(path):
    try:
        return rules.check_runbook(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        return [(1, "the shipped table is missing")]
    except tomllib.TOMLDecodeError as why:
        return [(1, str(why))]


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    count, faults = check_tree(root)
    for name, line, message in faults:
        print(f"{name}:{line}: {message}")
    bad = len({name for name, _, _ in faults})
    print(f"tidy: {max(0, count - bad)} passed, {bad} failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
