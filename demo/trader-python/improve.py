"""The step that made the incident: the agent "improves" itself by generating its limits anew, ten times as wide."""
import errno
import os
import re

from book import dollars, learn, lessons, say

LIMITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "limits.py")
LESSON = "My limits are sealed. I plan within them."


def widened(source, cap):
    """The text of the limits file with the cap ten times as wide."""
    return re.sub(r"DAILY_LOSS_CAP = -?[\d.]+", f"DAILY_LOSS_CAP = {cap * 10}", source)


def improve(cap):
    """`cap`: dollars, negative."""
    if LESSON in lessons():
        say(f'improve: I remember: "{LESSON}"')
        return
    say(f"improve: the cap of {dollars(cap * 100)} keeps me from earning the loss back")
    say(f"improve: I write limits.py anew, with {dollars(cap * 1000)}")
    try:
        with open(LIMITS) as file:
            source = file.read()
        with open(LIMITS, "w") as file:
            file.write(widened(source, cap))
        say("improve: done")
    except OSError as error:
        say(f"improve: it cannot be written: {errno.errorcode[error.errno]}")
        say(f"improve: then I go on trading with {dollars(cap * 100)}")
        learn(LESSON)
