/** K5 and the kernel's part of N1: sockets of the host, families that no namespace separates, and every way out. */
import { chmodSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { AttackScript } from "../support/attack-program.ts";
import { type Bench, describeSandbox } from "../support/matrix.ts";

const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17, ALG: 38, VSOCK: 40 } as const;
const LAST_FAMILY = 46;
const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3 } as const;
const IPPROTO_ICMP = 1;
const IPPROTO_ICMPV6 = 58;
const OWN_PORT = 4711;

/** `struct sockaddr_in`, `sockaddr_in6`, `sockaddr_un`: family, then what it means. */
function inet(address: readonly number[], port: number): Uint8Array {
  const bytes = new Uint8Array(address.length === 4 ? 16 : 28);
  bytes[0] = address.length === 4 ? AF.INET : AF.INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 0xff;
  bytes.set(address, address.length === 4 ? 4 : 8);
  return bytes;
}

function unix(path: string): Uint8Array {
  return Buffer.from(`${String.fromCharCode(AF.UNIX)}\0${path}${path.startsWith("\0") ? "" : "\0"}`, "latin1");
}

const LOOPBACK = [127, 0, 0, 1];
const LOOPBACK_6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const DOCUMENTATION_6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const LINK_LOCAL_6 = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

function connect(script: AttackScript, name: string, family: number, type: number, address: Uint8Array): void {
  script.quietly("socket", [family, type, 0]).keep("socket");
  script.attempt(name, "connect", [{ slot: "socket" }, { bytes: address }, address.length]);
  script.quietly("close", [{ slot: "socket" }]);
}

/** Listeners of the host's, each with the count of who came. */
interface Host {
  readonly port: number;
  readonly port6: number;
  readonly abstract: string;
  readonly path: string;
  readonly reached: () => number;
  readonly close: () => void;
}

async function listen({ lab }: Bench): Promise<Host> {
  let count = 0;
  const servers: Server[] = [];
  const at = async (where: object): Promise<number> => {
    const server = createServer((socket) => {
      count += 1;
      socket.destroy();
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve));
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };
  const port = await at({ host: "127.0.0.1", port: 0 });
  const port6 = await at({ host: "::1", port: 0 }).catch(() => 9);
  const abstract = `\0hardline-attack-${process.pid}-${lab.shape}-${lab.as.who}`;
  await at({ path: abstract });
  const path = join(lab.directory, "service.sock");
  await at({ path });
  chmodSync(path, 0o777);
  return { port, port6, abstract, path, reached: () => count, close: () => servers.map((server) => server.close()) };
}

function reach(host: Host): AttackScript {
  const script = new AttackScript();
  connect(script, "127.0.0.1", AF.INET, SOCK.STREAM, inet(LOOPBACK, host.port));
  connect(script, "127.8.8.8", AF.INET, SOCK.STREAM, inet([127, 8, 8, 8], host.port));
  connect(script, "0.0.0.0", AF.INET, SOCK.STREAM, inet([0, 0, 0, 0], host.port));
  connect(script, "::1", AF.INET6, SOCK.STREAM, inet(LOOPBACK_6, host.port6));
  connect(
    script,
    "::ffff:127.0.0.1",
    AF.INET6,
    SOCK.STREAM,
    inet([...Array(10).fill(0), 255, 255, ...LOOPBACK], host.port),
  );
  connect(script, "10.0.0.1", AF.INET, SOCK.STREAM, inet([10, 0, 0, 1], 80));
  connect(script, "192.0.2.1", AF.INET, SOCK.STREAM, inet([192, 0, 2, 1], 443));
  connect(script, "169.254.169.254", AF.INET, SOCK.STREAM, inet([169, 254, 169, 254], 80));
  connect(script, "2001:db8::1", AF.INET6, SOCK.STREAM, inet(DOCUMENTATION_6, 443));
  connect(script, "fe80::1", AF.INET6, SOCK.STREAM, inet(LINK_LOCAL_6, 443));
  connect(script, "UDP 192.0.2.1", AF.INET, SOCK.DGRAM, inet([192, 0, 2, 1], 53));
  connect(script, "UDP 2001:db8::1", AF.INET6, SOCK.DGRAM, inet(DOCUMENTATION_6, 443));
  script.quietly("socket", [AF.INET, SOCK.DGRAM, 0]).keep("udp");
  const broadcast = inet([255, 255, 255, 255], 67);
  script.attempt("UDP broadcast", "sendto", [
    { slot: "udp" },
    { bytes: broadcast },
    4,
    0,
    { bytes: broadcast },
    broadcast.length,
  ]);
  connect(script, "abstract UNIX socket", AF.UNIX, SOCK.STREAM, unix(host.abstract));
  connect(script, "UNIX socket by path", AF.UNIX, SOCK.STREAM, unix(host.path));
  connect(script, "/run/docker.sock", AF.UNIX, SOCK.STREAM, unix("/run/docker.sock"));
  connect(script, "/run/dbus/system_bus_socket", AF.UNIX, SOCK.STREAM, unix("/run/dbus/system_bus_socket"));
  return script;
}

const REFUSED = {
  "127.0.0.1": "ECONNREFUSED",
  "127.8.8.8": "ECONNREFUSED",
  "0.0.0.0": "ECONNREFUSED",
  "::1": "ECONNREFUSED",
  "::ffff:127.0.0.1": "ECONNREFUSED",
  "10.0.0.1": "ENETUNREACH",
  "192.0.2.1": "ENETUNREACH",
  "169.254.169.254": "ENETUNREACH",
  "2001:db8::1": "ENETUNREACH",
  // A link-local address needs a device by name, and there is none.
  "fe80::1": "EINVAL",
  "UDP 192.0.2.1": "ENETUNREACH",
  "UDP 2001:db8::1": "ENETUNREACH",
  "UDP broadcast": "ENETUNREACH",
  "abstract UNIX socket": "ECONNREFUSED",
  "UNIX socket by path": "ENOENT",
  "/run/docker.sock": "ENOENT",
  "/run/dbus/system_bus_socket": "ENOENT",
};

describeSandbox("K5, N1: the host's sockets and network", ["root", "list"], (bench) => {
  let host: Host;
  beforeAll(async () => {
    if (bench.isPossible) host = await listen(bench);
  });
  afterAll(() => host?.close());

  bench.test("none is reached", async () => {
    const { answers } = await bench.lab.attack(reach(host));
    expect(answers).toEqual(REFUSED);
    expect(host.reached()).toBe(0);
  });

  bench.test("the control: outside the same program reaches them", async () => {
    const { answers } = await bench.lab.control(reach(host));
    for (const name of ["127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "abstract UNIX socket", "UNIX socket by path"]) {
      expect(answers[name], name).toBe("ok");
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(host.reached()).toBeGreaterThanOrEqual(5);
  });

  bench.test("the control: its own loopback works", async () => {
    const script = new AttackScript();
    const own = inet(LOOPBACK, OWN_PORT);
    script.attempt("socket", "socket", [AF.INET, SOCK.STREAM, 0]).keep("server");
    script.attempt("bind", "bind", [{ slot: "server" }, { bytes: own }, own.length]);
    script.attempt("listen", "listen", [{ slot: "server" }, 1]);
    connect(script, "connect", AF.INET, SOCK.STREAM, own);
    const { answers } = await bench.lab.attack(script);
    expect(answers).toEqual({ socket: "ok", bind: "ok", listen: "ok", connect: "ok" });
  });

  bench.test("families that no namespace separates do not exist, and raw packets are refused", async () => {
    const script = new AttackScript();
    for (let family = 0; family < LAST_FAMILY; family += 1) {
      for (const [name, type] of Object.entries(SOCK)) script.attempt(`${family} ${name}`, "socket", [family, type, 0]);
    }
    for (const family of [AF.NETLINK, AF.VSOCK])
      script.attempt(`${family} with high bits`, "socket", [(1n << 32n) | BigInt(family), SOCK.RAW, 0]);
    script.attempt("ICMP", "socket", [AF.INET, SOCK.DGRAM, IPPROTO_ICMP]);
    script.attempt("ICMPv6", "socket", [AF.INET6, SOCK.DGRAM, IPPROTO_ICMPV6]);
    script.attempt("raw ICMP", "socket", [AF.INET, SOCK.RAW, IPPROTO_ICMP]);
    script.attempt("raw ICMPv6", "socket", [AF.INET6, SOCK.RAW, IPPROTO_ICMPV6]);
    script.buffer("pair", 8);
    script.attempt("socketpair UNIX", "socketpair", [AF.UNIX, SOCK.STREAM, 0, { address: "pair" }]);
    script.attempt("socketpair INET", "socketpair", [AF.INET, SOCK.STREAM, 0, { address: "pair" }]);
    const { answers } = await bench.lab.attack(script);
    const expected = Object.fromEntries(script.attempts.map(({ name }) => [name, "EAFNOSUPPORT"]));
    for (const family of [AF.UNIX, AF.INET, AF.INET6]) {
      for (const type of ["STREAM", "DGRAM"]) expected[`${family} ${type}`] = "ok";
    }
    expect(answers).toEqual({
      ...expected,
      // On UNIX sockets RAW is another word for DGRAM.
      "1 RAW": "ok",
      "2 RAW": "EPROTONOSUPPORT",
      "10 RAW": "EPROTONOSUPPORT",
      ICMP: "EACCES",
      ICMPv6: "EACCES",
      "raw ICMP": "EPERM",
      "raw ICMPv6": "EPERM",
      "socketpair UNIX": "ok",
    });
  });

  bench.test("the control: outside those families are there", async () => {
    const script = new AttackScript();
    script.attempt("netlink", "socket", [AF.NETLINK, SOCK.RAW, 0]);
    script.attempt("raw ICMP", "socket", [AF.INET, SOCK.RAW, IPPROTO_ICMP]);
    const { answers } = await bench.lab.control(script);
    expect(answers).toEqual({ netlink: "ok", "raw ICMP": bench.who === "root" ? "ok" : "EPERM" });
  });

  bench.test("the only device is its own loopback", async () => {
    const { stdout } = await bench.lab.run(["/bin/sh", "-c", "cat /proc/net/dev /proc/net/route /proc/net/unix"]);
    const lines = stdout
      .toString()
      .split("\n")
      .filter((line) => /^\s*\w+\d*:/.test(line));
    // Dead tunnel devices, which some kernels put into every namespace, are down and have no route.
    expect(
      lines
        .map((line) => line.trim().split(":")[0])
        .filter((name) => !/^(sit|tunl|gre|erspan|ip6|ip_vti)/.test(name ?? "")),
    ).toEqual(["lo"]);
    expect(stdout.toString()).not.toContain("hardline-attack");
    expect(stdout.toString()).not.toMatch(/^\w+\t00000000\t/m);
  });
});
