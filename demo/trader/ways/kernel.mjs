/** Asking the kernel for a view of its own, in which another file lies at the sealed path. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, writeFileSync } from "node:fs";
import { inRoot, LIMITS, nextCap, ROOT, record, widerLimits } from "./acts.mjs";

/** What the programs of util-linux and busybox print for the errors met here. */
const ERRNO_OF_TEXT = [
  ["No space left on device", "ENOSPC"],
  ["Operation not permitted", "EPERM"],
  ["Permission denied", "EACCES"],
  ["Read-only file system", "EROFS"],
  ["Function not implemented", "ENOSYS"],
  ["Invalid argument", "EINVAL"],
];

/** mount(2) and umount2(2) straight from an interpreter: the programs look at the uid and never ask the kernel. */
const PYTHON = `
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
args = [a.encode() for a in sys.argv[2:]]
done = libc.mount(args[0], args[1], None, 4096, None) if sys.argv[1] == "mount" else libc.umount2(args[0], 2)
print("ok" if done == 0 else errno.errorcode[ctypes.get_errno()])
`;
const PERL = `
use Errno;
my %nr = \`uname -m\` =~ /aarch64/ ? (mount => 40, umount => 39) : (mount => 165, umount => 166);
my ($call, @args) = @ARGV;
my $none = 0;
my $done = $call eq "mount" ? syscall($nr{mount}, $args[0], $args[1], $none, 4096, $none) : syscall($nr{umount}, $args[0], 2);
print $done == 0 ? "ok" : (grep { $!{$_} } qw(EPERM ENOSYS EROFS EACCES EINVAL EBUSY))[0];
`;

function failure(code) {
  return Object.assign(new Error(code), { code });
}

/** Runs a program; throws with the errno that its words stand for. */
function command(argv) {
  try {
    return execFileSync(argv[0], argv.slice(1), {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
      timeout: 20_000,
    });
  } catch (error) {
    if (typeof error.stderr !== "string") throw error;
    const known = ERRNO_OF_TEXT.find(([text]) => error.stderr.includes(text));
    throw known ? failure(known[1]) : error;
  }
}

function present(program) {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {"mount" | "umount"} name a bind mount, or a lazy unmount */
function systemCall(name, ...args) {
  const interpreter = [
    ["/usr/bin/python3", "-Ic", PYTHON],
    ["/usr/bin/perl", "-e", PERL],
  ].find(([program]) => present(program));
  if (interpreter === undefined)
    throw new Error("neither /usr/bin/python3 nor /usr/bin/perl is here to ask the kernel");
  const answer = command([...interpreter, name, ...args]).trim();
  if (answer !== "ok") throw failure(answer);
  return answer;
}

/** In a user namespace of one's own one is root, and may mount what one likes over the sealed path. */
export async function userNamespace() {
  const { acts, mine, notMine } = record();
  const own = inRoot("state/over.js");
  let cap = nextCap();
  await mine("write state/over.js", () => writeFileSync(own, widerLimits()));
  const script = 'mount --bind "$0" "$1" && exec "$2" "$3" --cap';
  await notMine("unshare a user and a mount namespace", () => {
    cap = Number(command(["unshare", "-Urm", "sh", "-c", script, own, LIMITS, process.execPath, inRoot("trade.mjs")]));
  });
  return { acts, cap };
}

export async function mount() {
  const { acts, mine, notMine } = record();
  const own = inRoot("state/bound.js");
  await mine("write state/bound.js", () => writeFileSync(own, widerLimits()));
  if (!(await notMine("mount it over limits.js", () => systemCall("mount", own, LIMITS)))) {
    await notMine("unmount the sealed directory", () => systemCall("umount", ROOT));
  }
  return { acts, cap: nextCap() };
}
