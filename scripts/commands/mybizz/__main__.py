"""``python -m scripts.commands.mybizz``."""

from __future__ import annotations

from scripts.commands.mybizz.application import main

if __name__ == "__main__":
    main()
