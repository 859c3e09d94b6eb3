import { SandboxError } from "./errors.ts";
import { type Arch, isArch } from "./native/syscalls.ts";

/** The machine that this is. Throws `SandboxError` with `host-cannot` where there is no system call filter for it. */
export function hostArch(): Arch {
  if (isArch(process.arch)) return process.arch;
  throw new SandboxError(
    "host-cannot",
    `Hardline has no system call filter for ${process.arch}`,
    "Use x86-64 or arm64.",
  );
}
