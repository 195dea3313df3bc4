"""Runs a command behind a pseudo-terminal. What comes on stdin is typed when it shows its first prompt; its screen goes to
stdout; `code=… echo=…` (exit code, whether the terminal echoes afterwards) to stderr."""
import os
import pty
import sys
import termios

typed = sys.stdin.buffer.read()
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
screen = b""
answered = False
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    screen += read
    if not answered and screen.endswith(b": "):
        # Raw mode is on before the prompt is written.
        os.write(terminal, typed)
        answered = True
echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(screen)
sys.stdout.flush()
sys.stderr.write("code=%d echo=%d\n" % (os.waitstatus_to_exitcode(status), echo))
