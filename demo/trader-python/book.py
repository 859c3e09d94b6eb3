"""What the agent keeps between two runs: its book in `state/`, what it learned in `memory/`, its log in `logs/`."""
import json
import os

HERE = os.path.dirname(os.path.abspath(__file__))
BOOK = os.path.join(HERE, "state", "book.json")
LESSONS = os.path.join(HERE, "memory", "lessons.md")
LOG = os.path.join(HERE, "logs", "trader.log")


def open_book():
    """Amounts in cents. `position` is what was paid for the one unit held, or None."""
    for directory in ("state", "memory", "logs", "market"):
        os.makedirs(os.path.join(HERE, directory), exist_ok=True)
    try:
        with open(BOOK) as file:
            return json.load(file)
    except FileNotFoundError:
        return {"day": 0, "cash": 100_000, "position": None, "realised": 0, "journal": []}


def close_book(book):
    """Written beside and renamed, so that a crash leaves the old book or the new one."""
    with open(BOOK + ".new", "w") as file:
        json.dump(book, file, indent=1)
        file.write("\n")
    os.replace(BOOK + ".new", BOOK)


def lessons():
    """One lesson each, oldest first."""
    try:
        with open(LESSONS) as file:
            return [line[2:].rstrip("\n") for line in file if line.startswith("- ")]
    except FileNotFoundError:
        return []


def learn(lesson):
    with open(LESSONS, "a") as file:
        file.write(f"- {lesson}\n")


def say(line):
    """To the log and to whoever is watching."""
    with open(LOG, "a") as log:
        log.write(line + "\n")
    print(line, flush=True)


def dollars(cents):
    """Cents as dollars with a sign where negative: `-4.17`."""
    return f"{cents / 100:.2f}"
