"""Run `python -m bot` as `evaluator-bot`."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
