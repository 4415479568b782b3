import { readFile } from "node:fs/promises";
import { makeLoopbackTls } from "./certificates.ts";
import type { LoopbackTls } from "./certificates.ts";
import type { Launched } from "./subjects/process.ts";
import { startSynapse } from "./subjects/synapse.ts";
import { startWeft } from "./subjects/weft.ts";

/** The server under test, as tests see it. Plain data: it is handed from process to process. */
export interface Subject {
  /** The name in its users' identifiers. */
  readonly serverName: string;
  /** Where its client API is, without a slash at the end. */
  readonly clientUrl: string;
  /** Where its server API is; undefined when it is reached by the server's name. */
  readonly federationUrl: string;
  /** The authority (PEM) of its certificate; undefined for the system's. */
  readonly ca: string | undefined;
  /** Known to write null where a member should be absent; then that alone fails no test. */
  readonly tolerateNulls?: boolean;
  /** What the suite's own peers show to it. */
  readonly peerTls: { readonly cert: string; readonly key: string };
}

/** A subject that was started for the run. */
export interface RunningSubject extends Launched {
  readonly subject: Subject;
  /** What it writes on its standard output and error. */
  readonly logFile: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Starts the server under test, or takes the one that WEFT_CONFORMANCE_URL names.
 *
 * - WEFT_CONFORMANCE_SUBJECT: "weft" (the default) or "synapse" (WEFT_CONFORMANCE_SYNAPSE_PYTHON: its interpreter)
 * - WEFT_CONFORMANCE_URL: a running server's client API; with it
 *   WEFT_CONFORMANCE_SERVER_NAME, WEFT_CONFORMANCE_FEDERATION_URL (default: https://<server name>),
 *   WEFT_CONFORMANCE_CA (PEM file that vouches for the server) and
 *   WEFT_CONFORMANCE_PEER_CERT, WEFT_CONFORMANCE_PEER_KEY (PEM files for "localhost" that the server trusts).
 */
export async function startSubject(
  environment: Environment,
): Promise<Pick<RunningSubject, "subject" | "stop">> {
  const tls = makeLoopbackTls();
  const url = environment["WEFT_CONFORMANCE_URL"];
  if (url !== undefined) return { subject: await running(url, environment, tls), async stop() {} };
  const kind = environment["WEFT_CONFORMANCE_SUBJECT"] ?? "weft";
  if (kind === "weft") return startWeft(tls);
  if (kind === "synapse") {
    return startSynapse(tls, environment["WEFT_CONFORMANCE_SYNAPSE_PYTHON"] ?? "python3");
  }
  throw new Error(`WEFT_CONFORMANCE_SUBJECT is "${kind}"; the suite can start weft and synapse`);
}

async function running(url: string, environment: Environment, tls: LoopbackTls): Promise<Subject> {
  const serverName = environment["WEFT_CONFORMANCE_SERVER_NAME"] ?? new URL(url).host;
  const file = async (name: string) => {
    const path = environment[name];
    return path === undefined ? undefined : await readFile(path, "utf8");
  };
  return {
    serverName,
    clientUrl: url.replace(/\/$/, ""),
    federationUrl: environment["WEFT_CONFORMANCE_FEDERATION_URL"] ?? `https://${serverName}`,
    ca: await file("WEFT_CONFORMANCE_CA"),
    peerTls: {
      cert: (await file("WEFT_CONFORMANCE_PEER_CERT")) ?? tls.cert,
      key: (await file("WEFT_CONFORMANCE_PEER_KEY")) ?? tls.key,
    },
  };
}
