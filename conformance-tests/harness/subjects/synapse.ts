import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { newSynapseKey, synapseConfiguration } from "../../../scripts/lib/synapse.mjs";
import type { LoopbackTls } from "../certificates.ts";
import type { RunningSubject } from "../subject.ts";
import { freePorts, launch, logOf, makeFolder } from "./process.ts";
import type { Placed } from "./process.ts";

/**
 * Synapse with SQLite, open registration and no rate limits, on loopback: another implementation, so that
 * the suite is not fitted to one. `python` is an interpreter that has the package matrix-synapse.
 * `settings` are further ones.
 */
export async function startSynapse(
  tls: LoopbackTls,
  python: string,
  settings: object = {},
  placed: Placed = {},
): Promise<RunningSubject> {
  const folder = await makeFolder(tls);
  const [clientPort = 0, ownPort = 0] = await freePorts(2);
  const federationPort = placed.federationPort ?? ownPort;
  const serverName = `localhost:${placed.namedPort ?? federationPort}`;
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const file = (name: string) => join(folder, name);
  await writeFile(file("signing.key"), newSynapseKey(), { mode: 0o600 });
  const config = {
    ...synapseConfiguration({
      serverName,
      folder,
      clientPort,
      federationPort,
      tls: { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") },
    }),
    refreshable_access_token_lifetime: "5m",
    allow_public_rooms_over_federation: true,
    allow_public_rooms_without_auth: true,
    room_list_publication_rules: [{ action: "allow" }],
    presence: { enabled: true },
    experimental_features: { msc4222_enabled: true },
    ...settings,
  };
  // JSON is YAML.
  await writeFile(file("homeserver.yaml"), JSON.stringify(config, null, 2));
  const launched = await launch({
    command: python,
    args: ["-m", "synapse.app.homeserver", "--config-path", "homeserver.yaml"],
    folder,
    healthUrl: `${clientUrl}/health`,
  });
  return {
    ...launched,
    logFile: logOf(folder),
    subject: {
      serverName,
      clientUrl,
      federationUrl: `https://127.0.0.1:${federationPort}`,
      ca: tls.ca,
      peerTls: tls,
      tolerateNulls: true,
    },
  };
}
