import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoopbackTls } from "../certificates.ts";
import type { RunningSubject } from "../subject.ts";
import { freePorts, launch, logOf, makeFolder } from "./process.ts";
import type { Placed } from "./process.ts";

const MAIN = fileURLToPath(new URL("../../../homeserver/bin/weft.mjs", import.meta.url));

/**
 * Weft with its embedded database, open registration and no rate limits, on loopback; with further
 * settings, by their variables.
 */
export async function startWeft(
  tls: LoopbackTls,
  placed: Placed = {},
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningSubject> {
  const folder = await makeFolder(tls);
  const [client, ownPort = 0] = await freePorts(2);
  const federation = placed.federationPort ?? ownPort;
  const serverName = `localhost:${placed.namedPort ?? federation}`;
  const clientUrl = `http://127.0.0.1:${client}`;
  const launched = await launch({
    command: process.execPath,
    args: [MAIN, "start"],
    folder,
    healthUrl: `${clientUrl}/_weft/health`,
    environment: {
      WEFT_SERVER_NAME: serverName,
      WEFT_DATA_DIR: join(folder, "data"),
      WEFT_LISTEN: `127.0.0.1:${client}`,
      WEFT_FEDERATION_LISTEN: `127.0.0.1:${federation}`,
      WEFT_TLS_CERT: join(folder, "cert.pem"),
      WEFT_TLS_KEY: join(folder, "key.pem"),
      WEFT_FEDERATION_CA: join(folder, "ca.pem"),
      WEFT_FEDERATION_ALLOW_PRIVATE: "true",
      WEFT_REGISTRATION: "open",
      WEFT_RATE_LIMITS: "off",
      WEFT_LOG_LEVEL: process.env["WEFT_LOG_LEVEL"] ?? "info",
      ...settings,
    },
  });
  return {
    ...launched,
    logFile: logOf(folder),
    subject: {
      serverName,
      clientUrl,
      federationUrl: `https://127.0.0.1:${federation}`,
      ca: tls.ca,
      peerTls: tls,
    },
  };
}
