#!/usr/bin/env python3
# Why: a rule that never saw its fault proves nothing. Every rule gets snippets that it must refuse
# and neighbours that it must leave alone.
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import rules
import source
import tidy

WHY = "// Why: a snippet.\n"


def faults(path, body, head=WHY):
    return [message for _, message in rules.check_file(path, head + body)]


def function_of(lines):
    return "int f(int a) {\n" + "    a += 1;\n" * (lines - 2) + "}\n"


# name, path, body, a word of the expected message
REFUSED = [
    ("engine includes net", "policies/a.cpp", '#include "core/net/http.hpp"', "may not include"),
    ("engine includes config", "policies/a.cpp", '#include "config/config.hpp"',
     "may not include"),
    ("engine includes levers", "policies/a.cpp", '#include "policies/levers/lever.hpp"',
     "may not include"),
    ("base includes model", "core/base/a.hpp", '#include "core/model/entry.hpp"',
     "may not include"),
    ("probe includes engine", "probes/a.cpp", '#include "policies/engine.hpp"', "may not include"),
    ("lever includes engine", "policies/levers/a.cpp", '#include "policies/engine.hpp"',
     "may not include"),
    ("web includes metrics", "exporters/web/a.cpp",
     '#include "exporters/prometheus/metrics.hpp"', "may not include"),
    ("config includes daemon", "config/a.cpp", '#  include "daemon/app.hpp"', "may not include"),
    ("sandbox includes product", "tests/sandbox/a.cpp", '#include "core/base/text.hpp"',
     "may not include"),
    ("unknown folder", "extras/a.cpp", "", "no folder"),
    ("steady clock", "probes/a.cpp", "auto t = std::chrono::steady_clock::now();", "real clock"),
    ("alias of a clock", "daemon/a.cpp", "auto t = my_clock::now();", "real clock"),
    ("clock_gettime", "core/ledger/a.cpp", "clock_gettime(CLOCK_BOOTTIME, &t);", "real clock"),
    ("time(nullptr)", "daemon/a.cpp", "auto t = time(nullptr);", "real clock"),
    ("std::time", "tests/sim/a.cpp", "auto t = std::time(0);", "real clock"),
    ("detached", "daemon/a.cpp", "co_spawn(e, f(), asio::detached);", "owns"),
    ("thread detach", "tests/a.cpp", "worker.detach();", "owns"),
    ("sleep_for", "tests/unit/a.cpp", "std::this_thread::sleep_for(x);", "races"),
    ("usleep", "daemon/a.cpp", "usleep(5);", "races"),
    ("cout", "daemon/a.cpp", "std::cout << 1;", "log"),
    ("unordered in the engine", "policies/a.cpp", "std::unordered_map<int, int> m;", "order"),
    ("unordered in a lever", "policies/levers/a.cpp", "std::unordered_set<int> m;", "order"),
    ("[&] coroutine", "daemon/a.cpp", "auto f = [&]() -> asio::awaitable<void> { co_return; };",
     "captures"),
    ("[this] coroutine", "daemon/a.cpp",
     "spawn([this](int a) mutable -> boost::asio::awaitable<void> { co_return; });", "captures"),
    ("lambda in co_await", "probes/a.cpp", "void f() {\n co_await run([x] { return x; });\n}",
     "lambda"),
    ("lambda with parameters in co_await", "probes/a.cpp",
     "void f() {\n co_await run(1,\n  [](int a) { return a; });\n}", "lambda"),
    ("co_await as a condition", "probes/a.cpp", "void f() {\n if (!co_await run(1)) {}\n}", "condition"),
    ("aggregate in co_await", "probes/a.cpp", "void f() {\n co_await run(Plan{1});\n}", "braced"),
    ("list in co_await", "probes/a.cpp", "void f() {\n co_await run({1, 2});\n}", "braced"),
    ("aggregate around co_await", "probes/a.cpp",
     "void f() {\n return Plan{co_await run(1)};\n}", "braced"),
    ("list before co_await", "probes/a.cpp", "void f() {\n g({1, co_await run(1)});\n}", "braced"),
    ("long function", "core/base/a.cpp", function_of(71), "71 lines"),
    ("long test", "tests/unit/a.cpp",
     'TEST_CASE("x") {\n' + "    CHECK(true);\n" * 80 + "}\n", "82 lines"),
    ("long method", "core/base/a.hpp",
     "class A {\n  public:\n" + function_of(72).replace("int f(int a) {", "int f() const {")
     + "};\n", "72 lines"),
    ("wide line", "core/base/a.cpp", "int " + "a" * 100 + ";", "columns"),
    ("long file", "core/base/a.cpp", "int a;\n" * 500, "501 lines"),
    ("unfinished", "core/base/a.cpp", "// TODO: later", "finish"),
    ("one machine's path", "core/base/a.cpp", 'auto p = "/work/main/x";', "machine"),
    ("a home", "core/base/a.cpp", "// see /home/someone/x", "machine"),
]

ACCEPTED = [
    ("lower layers", "policies/levers/a.cpp",
     '#include "core/net/http.hpp"\n#include "config/config.hpp"\n#include "policies/levers/b.hpp"'),
    ("exporters see the engine", "exporters/web/a.cpp", '#include "policies/engine.hpp"'),
    ("tests see everything", "tests/unit/policies/a.cpp", '#include "daemon/app.hpp"'),
    ("generated neighbour", "exporters/web/a.cpp", '#include "leverd_embedded.hpp"'),
    ("net reads clocks", "core/net/a.cpp", "auto t = steady_clock::now();"),
    ("the seam", "daemon/a.cpp", "auto t = clock->now(); auto u = a.time(0); int runtime(0);"),
    ("words in comments and strings", "policies/a.cpp",
     '// std::cout sleep_for detached\nauto s = "unordered_map steady_clock::now()";\n'
     'auto r = R"x(std::cout ")" co_await f({1}))x";\nauto n = 1\'000; char q = \'"\';'),
    ("plain co_await", "probes/a.cpp",
     "asio::awaitable<int> f(int a) {\n const auto r = co_await g(a, b[0]);\n if (r) {\n"
     "  co_await h(x);\n }\n for (int i : list) {\n  co_await h(i);\n }\n co_return 1;\n}"),
    ("co_await first in a method", "probes/a.cpp", "awaitable<int> f() const {\n co_await g();\n}"),
    ("co_await first in else", "probes/a.cpp",
     "void f() {\n if (ok) {\n  h();\n } else {\n  co_await g();\n }\n}"),
    ("durations have constructors", "probes/a.cpp", "void f() {\n co_await pause(Millis{5});\n}"),
    ("lambda before, named", "probes/a.cpp",
     "void f() {\n const auto done = [x] { return x; };\n co_await run(done);\n}"),
    ("captureless coroutine", "tests/a.cpp", "auto f = []() -> awaitable<void> { co_return; };"),
    ("function at the limit", "core/base/a.cpp", function_of(70)),
    ("namespace is no function", "core/base/a.cpp",
     "namespace x {\n" + "int f(int a) {\n return a;\n}\n" * 40 + "}"),
    ("class is no function", "core/base/a.hpp",
     "class A final : public B {\n" + "    int f() { return 1; }\n" * 100 + "};"),
    ("table is no function", "core/base/a.cpp",
     "const std::array<Row, 90> rows{{\n" + "    {1, \"a\"},\n" * 90 + "}};"),
]


class Rules(unittest.TestCase):
    def test_refused(self):
        for name, path, body, word in REFUSED:
            with self.subTest(name):
                found = faults(path, body)
                self.assertTrue(any(word in f for f in found), f"{name}: {found}")

    def test_accepted(self):
        for name, path, body in ACCEPTED:
            with self.subTest(name):
                self.assertEqual(faults(path, body), [], name)

    def test_first_line(self):
        self.assertTrue(faults("core/base/a.hpp", "#pragma once\n", head=""))
        self.assertTrue(faults("scripts/a.sh", "#!/bin/sh\necho\n", head=""))
        self.assertEqual(faults("scripts/a.sh", "#!/bin/sh\n# Why: so.\n", head=""), [])

    def test_line_numbers(self):
        found = rules.check_file("policies/a.cpp", WHY + "/* a\n b */\nstd::unordered_map<a, b> m;\n")
        self.assertEqual([line for line, _ in found], [4])


class Functions(unittest.TestCase):
    def test_constructor_with_initialisers(self):
        code = source.strip("A::A(int b)\n    : a_{b},\n      c_(b) {\n    x();\n    y();\n}\n")
        self.assertEqual(max(last for _, last in source.functions(code)), 6)

    def test_lambda_counts_for_its_function(self):
        body = "int f() {\n    auto g = [] {\n" + "        x();\n" * 70 + "    };\n}\n"
        lengths = [last - first + 1 for first, last in source.functions(source.strip(body))]
        self.assertEqual(lengths, [74])


class Runbook(unittest.TestCase):
    def table(self):
        return {"symptom": [{"row": n, "title": title, "first_lever": lever}
                            for n, (title, lever) in enumerate(rules.ROWS, 1)]}

    def test_same(self):
        self.assertEqual(rules.check_runbook(self.table()), [])

    def test_extra_symptoms_outside_the_table(self):
        table = self.table()
        table["symptom"].append({"row": 0, "title": "Certificate expires"})
        self.assertEqual(rules.check_runbook(table), [])

    def test_different(self):
        for key, value in (("title", "Whole tenant down"), ("first_lever", "Lever Z"), ("row", 9)):
            table = self.table()
            table["symptom"][1][key] = value
            self.assertTrue(rules.check_runbook(table), key)
        self.assertTrue(rules.check_runbook({}))


class Tree(unittest.TestCase):
    def test_walk(self):
        with tempfile.TemporaryDirectory() as place:
            root = pathlib.Path(place)
            for name, text in (("policies/bad.cpp", "int a;\n"), ("build/x.cpp", "int a;\n"),
                               ("node_modules/x.sh", "echo\n"), ("core/base/ok.cpp", WHY)):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            count, found = tidy.check_tree(root)
            self.assertEqual(count, 2)
            self.assertEqual({name for name, _, _ in found}, {"policies/bad.cpp", tidy.RUNBOOK})


if __name__ == "__main__":
    unittest.main()
