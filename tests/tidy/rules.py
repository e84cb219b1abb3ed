# Why: every rule of the house that a machine can check, each with the reason that it prints. A
# review remark that comes twice becomes a row here.
import re

import source

BASE, MODEL, NET, LEDGER = "core/base", "core/model", "core/net", "core/ledger"
STACK = "core/stack"  # the stack's wire formats, shared by probes and levers
# Folder -> what it may include besides itself. The deepest folder that matches counts.
LAYERS = {
    BASE: [],
    MODEL: [BASE],
    NET: [BASE, MODEL],
    LEDGER: [BASE, MODEL],
    STACK: [BASE, MODEL, NET],
    "config": [BASE, MODEL],
    "policies": [BASE, MODEL],
    "policies/levers": [BASE, MODEL, NET, STACK, "config"],
    "probes": [BASE, MODEL, NET, STACK, "config"],
    "exporters/prometheus": [BASE, MODEL, NET, LEDGER, "config", "policies"],
    "exporters/web": [BASE, MODEL, NET, LEDGER, STACK, "config", "policies"],
    "exporters/pager": [BASE, MODEL, NET, LEDGER, "config", "policies"],
    "daemon": [BASE, MODEL, NET, LEDGER, STACK, "config", "policies", "policies/levers", "probes",
               "exporters/prometheus", "exporters/web", "exporters/pager"],
    "cmake": [],
    # A mistake shared with the product would hide, so the sandbox stands alone.
    "tests/sandbox": [],
    "tests": ["*"],
}
LINES_MAX = 500
FUNCTION_LINES_MAX = 70
COLUMNS_MAX = 100

CLOCKS = (r"\b\w*_clock\s*::\s*now\b|\bClock::now\b(?!\()|\bclock_gettime\b|\bgettimeofday\b"
          r"|(?<![\w.>:])(?:std::|::)?time\s*\(\s*(?:NULL|nullptr|0|&\w+)\s*\)")
# (pattern in stripped code, folders where it is allowed, what to do instead)
BANNED = [
    (CLOCKS, ["core/net", "tests/sandbox", "tests/sim/app"], "reads a real clock; take a Clock or a Now"),
    (r"\bdetached\b|\.detach\(\)", [], "nobody owns it; use a TaskGroup"),
    (r"\bsleep_for\b|\bsleep_until\b|\b(?:u|nano)?sleep\s*\(", [],
     "blocks a thread and hides races; wait for what you need"),
    (r"\bstd::cout\b|\bstd::cerr\b", ["tests"], "use the log, or fmt::print in the command line"),
    (r"\bunordered_\w+", ["core", "config", "probes", "exporters", "daemon", "tests"],
     "has no order, and equal ledgers must give equal decisions; use std::map"),
]
CAPTURING_COROUTINE = re.compile(
    r"\[\s*[^\]\s][^\]]*\]\s*\([^()]*\)\s*(?:mutable\s*)?(?:noexcept\s*)?->\s*[\w:]*\bawaitable\b")
LAMBDA = re.compile(r"(?:^|[(,=&|?:\s])\[[^\]\[]*\]\s*[({]")
# These have constructors, which that compiler gets right; aggregates and lambdas it does not.
HARMLESS_BRACES = re.compile(r"\b(?:Millis|Instant|WallTime|std::chrono::\w+)\{[^{}]*\}")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
PRIVATE_WORDS = re.compile(
    r"(?<![\w$}])/(?:work|root)/|/tmp/b-|/home/\w|registry\.npmjs\.org|deb\.debian\.org|pythonhosted"
    r"|proxy\.golang\.org|artifactory|\.pyenv")

ROWS = [
    ("Workspace boots but agent always errors", "Lever D (delete + reprovision)"),
    ("Whole tenant unreachable", "Lever C (redeploy)"),
    ("Canvas crashes on load", "Lever F (Vercel rollback)"),
    ("Login broken / API errors", "Lever E (Railway rollback)"),
    ("Specific runtime broken across tenants", "Lever B (template image rollback)"),
    ("Platform container regression", "Lever A (rollback-latest.sh)"),
    ("Mid-demo stray PR auto-published a bad image",
     "Lever B + investigate why freeze didn't catch it"),
]


def folder_rule(path):
    fits = [f for f in LAYERS if path.startswith(f + "/")]
    return max(fits, key=len) if fits else None


def check_layers(path, text):
    home = folder_rule(path)
    if home is None:
        return [(1, "lies in no folder of the layer table in tests/tidy/rules.py")]
    allowed = LAYERS[home]
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not include:
            continue
        target = include.group(1)
        floor = folder_rule(target)
        # A name without a folder of ours is a generated or neighbouring file.
        if floor is None or floor == home or "*" in allowed or floor in allowed:
            continue
        problems.append((number, f"{home} may not include {floor} ({target})"))
    return problems


def check_names(path, code):
    problems = []
    for pattern, allowed, instead in BANNED:
        if any(path.startswith(folder + "/") for folder in allowed):
            continue
        for found in re.finditer(pattern, code):
            problems.append((source.line_of(code, found.start()),
                             f"{found.group().strip()}: {instead}"))
    for found in CAPTURING_COROUTINE.finditer(code):
        problems.append((source.line_of(code, found.start()),
                         "a coroutine lambda with captures outlives them; name a function"))
    return problems


def check_await(code):
    problems = []
    for found in re.finditer(r"\bif\s*\(\s*!?\s*co_await\b", code):
        problems.append((source.line_of(code, found.start()),
                         "g++ 12 miscompiles a condition that is a co_await; name its result"))
    for found in re.finditer(r"\bco_await\b", code):
        rest = HARMLESS_BRACES.sub("", source.expression_after(code, found.end()))
        line = source.line_of(code, found.start())
        if LAMBDA.search(rest):
            problems.append((line, "a lambda inside co_await is destroyed twice by g++ 12; name it"))
        elif "{" in rest or source.braced_before(code, found.start()):
            problems.append(
                (line, "a braced value inside co_await is destroyed twice by g++ 12; name it"))
    return problems


def check_sizes(text, code):
    problems = []
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS_MAX:
            problems.append((number, f"{len(line)} columns, at most {COLUMNS_MAX}"))
    lines = code.split("\n")
    for first, last in source.functions(code):
        # Comments and texts are blank in `code`: a long table of texts is not a long function.
        size = sum(1 for line in lines[first - 1:last] if line.strip())
        if size > FUNCTION_LINES_MAX:
            problems.append((first, f"a function of {size} lines, at most {FUNCTION_LINES_MAX}"))
    return problems


def check_cpp(path, text):
    code = source.strip(text)
    problems = check_layers(path, text) + check_names(path, code) + check_await(code)
    problems += check_sizes(text, code)
    if not text.startswith("// Why: "):
        problems.append((1, "the first line must say why the file exists: // Why: ..."))
    return problems


def check_script(text):
    head = text.split("\n")[:4]
    if not any(line.startswith(("# Why: ", '"""Why: ')) for line in head):
        return [(1, "the first lines must say why the file exists: # Why: ...")]
    return []


def check_any(path, text):
    problems = []
    lines = text.count("\n")
    if lines > LINES_MAX and not path.endswith((".json", ".md")):
        problems.append((1, f"{lines} lines, at most {LINES_MAX}"))
    for number, line in enumerate(text.split("\n"), 1):
        if UNFINISHED.search(line):
            problems.append((number, "finish it or leave it out"))
        if PRIVATE_WORDS.search(line):
            problems.append((number, "names one machine's path or a package host"))
    return problems


def check_runbook(table):
    """The shipped table, parsed, against the runbook's seven rows, word for word."""
    rows = {s.get("row"): s for s in table.get("symptom", []) if s.get("row", 0) > 0}
    problems = []
    for number, (title, lever) in enumerate(ROWS, 1):
        row = rows.get(number)
        if row is None:
            problems.append((1, f"row {number} is missing: {title}"))
        elif row.get("title") != title:
            problems.append((1, f"row {number} must read: {title}"))
        elif row.get("first_lever") != lever:
            problems.append((1, f"row {number} must begin with: {lever}"))
    if len(rows) > len(ROWS):
        problems.append((1, f"{len(rows)} rows, the runbook has {len(ROWS)}"))
    return problems


def check_file(path, text):
    problems = check_any(path, text)
    if path.endswith((".cpp", ".hpp")):
        problems += check_cpp(path, text)
    elif path.endswith((".py", ".sh")):
        problems += check_script(text)
    return sorted(problems)
