# Why: see freeze.sh.
import json
import pathlib

from stack import main, stack, wait_for

HERMES = "molecule-ai/workspace-template-hermes"


def capture(t):
    with stack() as s:
        s.all_seen()
        where = pathlib.Path(s.dir) / "receipts"
        where.mkdir()
        words = ("--config", str(s.toml))
        done = s.cli("freeze", "capture", "--dir", str(where), *words, socket=False)
        t("captured: exit 0", done.returncode == 0, done)
        files = sorted(p.name for p in where.iterdir())
        t("one file, nothing left over", len(files) == 1 and files[0].startswith("digests-"), files)
        text = (where / files[0]).read_text()
        t("the template is in it", f"hermes: {s.digest(HERMES)}" in text, text)
        t("both platform images are in it", "platform: sha256:" in text
          and "platform-tenant: sha256:" in text, text)
        done = s.cli("freeze", "show", *words, socket=False)
        t("show: as frozen", "as frozen" in done.stdout, done)
        rows = json.loads(s.cli("freeze", "show", "--json", *words, socket=False).stdout)
        t("show: every image has a verdict", all(r["verdict"] for r in rows["images"]), rows)


FORGE = """[stack.forge]
kind = "github"
url = "https://forge.sandbox.test:{port}"
writers = ["Molecule-AI/molecule-core: promote-latest.yml"]
"""


def both(t):
    """Both receipts, of what is off at the forge and in service at the registry."""
    with stack(leverd=False) as s:
        s.toml.write_text(s.toml.read_text() + FORGE.format(port=s.ports["tls"]))
        where = pathlib.Path(s.dir) / "receipts"
        where.mkdir()
        words = ("--dir", str(where), "--config", str(s.toml))

        s.fault("workflow", file="promote-latest.yml", state="active")
        done = s.cli("freeze", "capture", *words, socket=False)
        names = sorted(p.name for p in where.iterdir())
        t("two files of one time", len(names) == 2 and names[0].startswith("digests-") and
          names[1] == "disabled-workflows-" + names[0].removeprefix("digests-"), (done, names))
        lines = (where / names[1]).read_text().splitlines()
        t("what is off is in it, in the scripts' grammar",
          "Molecule-AI/molecule-core: publish-runtime.yml" in lines and
          all(line.count(": ") == 1 and line.endswith(".yml") for line in lines), lines)
        t("what is on is not in it and is named",
          not any("promote-latest" in line for line in lines) and
          "still on, so not in the receipt: Molecule-AI/molecule-core: promote-latest.yml (active)"
          in done.stdout, done.stdout)

        for name in names:
            (where / name).unlink()
        s.fault("workflow", file="publish-runtime.yml", state="hidden")
        done = s.cli("freeze", "capture", *words, socket=False)
        t("a workflow that cannot be read: nothing is written", done.returncode == 1 and
          not list(where.iterdir()) and "publish-runtime.yml" in done.stderr, done)


def who_drifted(t):
    """The four views of an image beside each other, while leverd runs and while it does not."""
    with stack(toml=[("[freeze]\n", '[freeze]\nknown_good_after = "1s"\n')]) as s:
        s.all_seen()
        words = ("--config", str(s.toml), "--socket", str(s.socket))
        before = s.digest(HERMES)

        def rows():
            done = s.cli("freeze", "show", "--json", *words, socket=False)
            return {r["image"]: r for r in json.loads(done.stdout)["images"]}
        platform = wait_for("what tenants run", lambda: (
            row := rows()["molecule-ai/platform"]) and row["runs"] and row, 20)
        t("what runs is told for a platform image", platform["runs"].endswith("tenants run it"),
          platform)
        t("and for no template", rows()[HERMES]["runs"] == "", rows()[HERMES])
        good = wait_for("a known good image", lambda: rows()[HERMES]["known_good"], 20)
        t("the last known good is the one in service", good == before, (good, before))

        s.fault("registry_push", repository=HERMES, tag="latest", sha7="0dd0dd0")
        done = s.cli("freeze", "show", *words, socket=False)
        t("moved: named, exit 1, with the next step", done.returncode == 1 and
          f"moved since the receipt: {HERMES}" in done.stdout and
          f"next: leverd why image/{HERMES}" in done.stdout, done.stdout)
        s.terminate()
        done = s.cli("freeze", "show", *words, socket=False)
        t("without leverd it says what is not known", "no leverd answers on" in done.stdout and
          f"moved since the receipt: {HERMES}" in done.stdout, done.stdout)


if __name__ == "__main__":
    main([capture, both, who_drifted])
