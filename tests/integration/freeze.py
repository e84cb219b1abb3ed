# Why: see freeze.sh.
import json
import pathlib

from stack import main, stack

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


if __name__ == "__main__":
    main([capture])
