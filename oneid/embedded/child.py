"""Runs a command that ends when its parent does: `python child.py PARENT_PID COMMAND...`.

Started as a script with no site packages, it becomes the command within some 20 ms. On Linux the kernel sends
SIGTERM to the command when the parent dies, even by SIGKILL, so each server shuts down in its own clean way.
Elsewhere there is no such call, and `oneid stop` ends what a killed parent left.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the call above
        sys.exit("the parent process has gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
