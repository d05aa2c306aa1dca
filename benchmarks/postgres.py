"""A PostgreSQL server for measuring, in a process of its own. It ends when its standard input ends.

It prints the id of its first process, then makes a database for each name on standard input and prints its address. For
an empty line, it counts for its planner what is in the tables. Unlike the server of the tests, it waits for the disk.
Where PostgreSQL is not installed, it prints nothing.
"""

import sys

from tests.postgres import FOUND, running_server


def main() -> None:
    """Serve until standard input ends."""
    if not FOUND:
        return
    with running_server(fsync="on") as server:
        _print(server.process())
        for line in sys.stdin:
            if name := line.strip():
                _print(server.create(name))
            else:
                server.analyze()
                _print("")


def _print(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
