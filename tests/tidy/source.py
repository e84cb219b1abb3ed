# Why: the rules of tidy speak about code, not about words in comments and strings. This blanks those
# out, line by line, and finds functions and statements in what is left.
import re

# Raw strings, numbers with digit separators (whose quotes are no characters), comments, strings and
# characters, in this order.
SKIP = re.compile(r"""\bR"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"|\b\d\w*(?:'\w+)+|//[^\n]*"""
                  r"""|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.S)
LEAD = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*)*")
KEYWORD_BEFORE_BLOCK = {"const", "noexcept", "override", "final", "else", "do", "try", "mutable"}


def blank(text):
    """Everything but line ends becomes a space, so that positions stay true."""
    return re.sub(r"[^\n]", " ", text)


def strip(text):
    """The code without comments, strings and characters; same length, same lines."""
    return SKIP.sub(lambda found: blank(found.group()), text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def scope_kind(header, inside):
    if inside == "function":
        return "inner"
    if re.search(r"\bnamespace\b", header) or 'extern' in header:
        return "open"
    if re.search(r"\b(class|struct|union|enum)\b", header) and not header.rstrip().endswith(")"):
        return "open"
    if ")" in header and not header.rstrip().endswith("="):
        return "function"
    return "inner" if inside == "inner" else "other"


def functions(code):
    """(first line, last line) of every function body with its header, in stripped code."""
    found = []
    stack = []
    header_start = 0
    parentheses = 0
    for at, char in enumerate(code):
        if char == "(":
            parentheses += 1
        elif char == ")":
            parentheses = max(0, parentheses - 1)
        elif char == ";" and parentheses == 0:
            header_start = at + 1
        elif char == "{":
            inside = stack[-1][0] if stack else "open"
            kind = scope_kind(code[header_start:at], "function" if inside == "inner" else inside)
            begin = header_start + LEAD.match(code[header_start:at]).end()
            stack.append((kind, begin, parentheses))
            header_start = at + 1
            parentheses = 0
        elif char == "}" and stack:
            kind, begin, parentheses = stack.pop()
            if kind == "function":
                found.append((line_of(code, begin), line_of(code, at)))
            header_start = at + 1
    return found


def expression_after(code, start):
    """The rest of the full expression that begins at `start`."""
    depth = 0
    for at in range(start, len(code)):
        char = code[at]
        if char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                return code[start:at]
        elif char == ";" and depth == 0:
            return code[start:at]
    return code[start:]


def opens_block(code, brace):
    """Whether the '{' at this place begins a block of statements and not a braced value."""
    before = code[:brace].rstrip()
    if not before or before[-1] in ";{})>:":
        return True
    word = re.search(r"\w+$", before)
    return bool(word) and word.group() in KEYWORD_BEFORE_BLOCK


def braced_before(code, start):
    """Whether the statement has a braced value around or in front of this place."""
    at = start - 1
    while at >= 0:
        if code[at] in ";}":
            return False
        if code[at] == "{":
            return not opens_block(code, at)
        at -= 1
    return False
