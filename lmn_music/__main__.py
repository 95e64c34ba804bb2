"""`python -m lmn_music` is the command lmn-music."""

import sys


def main() -> None:
    """Run the command."""
    try:
        from lmn_music.cli.main import app

        app(prog_name="lmn-music")
    except KeyboardInterrupt:  # before the command has begun
        sys.exit(130)


if __name__ == "__main__":
    main()
