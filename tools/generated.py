"""Compares each generated file with what it is made from; `--write` writes them anew."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

from porter_ctl.api.crd import crd_files
from porter_ctl.api.docs import to_markdown

ROOT = Path(__file__).parent.parent
CRDS = ROOT / "charts" / "porter" / "files" / "crds"


def wanted() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    files = {CRDS / name: text for name, text in crd_files().items()}
    return {**files, ROOT / "docs" / "crds.md": to_markdown()}


def main() -> int:
    """Write or compare; the status is 1 if something is not in step."""
    files = wanted()
    strays = set(CRDS.glob("*")) - set(files)
    if "--write" in sys.argv[1:]:
        CRDS.mkdir(parents=True, exist_ok=True)
        for stray in strays:
            stray.unlink()
        for path, text in files.items():
            path.write_text(text, encoding="utf-8")
        print(f"generated: wrote {len(files)} files")
        return 0
    stale = sorted(strays)
    for path, text in files.items():
        standing = path.read_text(encoding="utf-8") if path.exists() else ""
        if standing != text:
            stale.append(path)
            before, now = standing.splitlines(keepends=True), text.splitlines(keepends=True)
            sys.stderr.writelines(difflib.unified_diff(before, now, "file", "now"))
    for path in stale:
        print(f"generated: {path.relative_to(ROOT)} is not in step; run: make crd", file=sys.stderr)
    if not stale:
        print(f"generated: {len(files)} files are in step")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
