import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { createAuthority } from "../../../../scripts/lib/certificates.mjs";
import { makeTemporaryFolder } from "../../../src/storage/temporary-folder.ts";

/** A folder and a certificate authority for the servers of one test. */
export interface Network {
  readonly folder: string;
  /** PEM file of the authority. */
  readonly caFile: string;
  /** Issues a certificate for loopback; the paths of the two PEM files. */
  issue(name: string): Promise<{ cert: string; key: string }>;
  close(): Promise<void>;
}

/** Makes the authority, and has every TLS client of this process trust it: unchanged clients need no option. */
export async function createNetwork(): Promise<Network> {
  const folder = makeTemporaryFolder("weft-peers-");
  const authority = createAuthority();
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, authority.cert);
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, authority.cert]);
  return {
    folder,
    caFile,
    async issue(name) {
      const pem = authority.issue(["localhost", "127.0.0.1"]);
      const [cert, key] = [join(folder, `${name}.cert.pem`), join(folder, `${name}.key.pem`)];
      await writeFile(cert, pem.cert);
      await writeFile(key, pem.key, { mode: 0o600 });
      return { cert, key };
    },
    async close() {
      tls.setDefaultCACertificates(before);
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
