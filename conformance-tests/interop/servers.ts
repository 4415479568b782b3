import { readFile } from "node:fs/promises";
import { makeLoopbackTls } from "../harness/certificates.ts";
import type { LoopbackTls } from "../harness/certificates.ts";
import type { RunningSubject } from "../harness/subject.ts";
import { freePorts } from "../harness/subjects/process.ts";
import type { Placed } from "../harness/subjects/process.ts";
import { startSynapse } from "../harness/subjects/synapse.ts";
import { startWeft } from "../harness/subjects/weft.ts";
import { openLink } from "./link.ts";
import type { Link } from "./link.ts";

export type SideName = "weft" | "synapse";

/** One of the two servers, and the way by which the other reaches it. */
export interface Side extends RunningSubject {
  readonly name: SideName;
  readonly link: Link;
}

export interface Servers {
  readonly weft: Side;
  readonly synapse: Side;
  /** No request of one reaches the other. */
  cut(): void;
  mend(): void;
  /** Ends both, and removes what they left. */
  stop(): Promise<void>;
}

/** The other one asks again soon: a cut of seconds need not be waited for by the minute. */
const IMPATIENT = {
  federation: {
    destination_min_retry_interval: "1s",
    destination_retry_multiplier: 1,
    destination_max_retry_interval: "1s",
    max_short_retry_delay: "1s",
    max_short_retries: 1,
  },
};

/** Starts Weft and Synapse beside one another on loopback, with TLS and an authority of their own. */
export async function startServers(python: string): Promise<Servers> {
  const tls = makeLoopbackTls();
  const started: Side[] = [];
  const links: Link[] = [];
  const start = async (
    name: SideName,
    run: (tls: LoopbackTls, placed: Placed) => Promise<RunningSubject>,
  ) => {
    const [federationPort = 0] = await freePorts(1);
    const link = await openLink(federationPort);
    links.push(link);
    const running = await run(tls, { federationPort, namedPort: link.port });
    const side: Side = { ...running, name, link };
    started.push(side);
    return side;
  };
  const stop = async () => {
    await Promise.all(started.splice(0).map((side) => side.stop()));
    await Promise.all(links.splice(0).map((link) => link.close()));
  };
  const starts = await Promise.allSettled([
    start("weft", startWeft),
    start("synapse", (made, placed) => startSynapse(made, python, IMPATIENT, placed)),
  ]);
  const failed = starts.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const [weft, synapse] = started.toSorted((one, two) => (one.name < two.name ? 1 : -1)) as [
    Side,
    Side,
  ];
  return {
    weft,
    synapse,
    cut: () => links.forEach((link) => link.cut()),
    mend: () => links.forEach((link) => link.mend()),
    stop,
  };
}

/** The lines of a side's log that tell of something wrong. */
export async function complaintsOf(side: Side): Promise<string[]> {
  const text = await readFile(side.logFile, "utf8");
  const bad =
    side.name === "weft"
      ? /"level":(?:[4-6]0|"(?:warn|error|fatal)")/
      : /(?:WARNING|ERROR|CRITICAL)|^Traceback/;
  return text.split("\n").filter((line) => bad.test(line));
}
