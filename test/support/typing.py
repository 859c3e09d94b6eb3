"""A person at a terminal: starts an interactive shell there, types, and tells what an agent got of it.

typing.py MODE COMMAND: in MODE `background` the command is started with &, in `stopped` it is suspended with Ctrl-Z, in
`foreground` (the control) it is simply left running. Then a secret is typed. Prints what the terminal showed.
"""
import os, pty, select, sys, time

mode, command = sys.argv[1], sys.argv[2]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(PS1="$ ", TERM="dumb")
    os.execv("/bin/bash", ["bash", "--norc", "-i"])

shown = b""


def watch(seconds, until=None):
    global shown
    end = time.time() + seconds
    while time.time() < end:
        if until is not None and until in shown:
            return
        ready, _, _ = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                shown += os.read(terminal, 4096)
            except OSError:
                return


def type_in(text):
    os.write(terminal, text.encode())


watch(0.5)
type_in(command + (" &" if mode == "background" else "") + "\n")
watch(15, b"spying")
if mode == "stopped":
    type_in("\x1a")
    watch(1)
    type_in("bg\n")
    watch(1)
for word in ("secret-1", "secret-2", "secret-3"):
    type_in(word + "\n")
    watch(0.4)
type_in("\x03")
watch(0.3)
type_in("kill -9 %1\nexit\n")
watch(1)
sys.stdout.write(shown.decode(errors="replace"))
