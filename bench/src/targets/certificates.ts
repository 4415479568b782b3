import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";

/** Throw-away certificates for servers on loopback, in a folder, so that a server can be started with them. */
export interface Certificates {
  /** Paths of PEM files. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** For the n-th twenty of `CROWD_ADDRESSES`: clients read all names of a certificate that they are shown. PEM. */
  readonly crowd: readonly { readonly cert: string; readonly key: string }[];
}

export const CROWD_NAMES = 20;
/** So many servers of one process, each at an address of its own on loopback. */
export const CROWD_ADDRESSES = Array.from(
  { length: 2_000 },
  (_, number) => `127.1.${number >> 8}.${number & 255}`,
);

/** Writes `ca.pem`, `cert.pem` and `key.pem` for localhost and 127.0.0.1, and those of the crowd. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = createAuthority("Weft's bench");
  const { cert, key } = authority.issue(["localhost", "127.0.0.1"]);
  const files = filesIn(folder);
  writeFileSync(files.ca, authority.cert);
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  const crowd = Array.from({ length: CROWD_ADDRESSES.length / CROWD_NAMES }, (_, number) =>
    authority.issue(CROWD_ADDRESSES.slice(number * CROWD_NAMES, (number + 1) * CROWD_NAMES)),
  );
  writeFileSync(crowdFileIn(folder), JSON.stringify(crowd), { mode: 0o600 });
  return { files, ca: authority.cert, cert, key, crowd };
}

/** Those that were written before. */
export function readCertificates(folder: string): Certificates {
  const files = filesIn(folder);
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) =>
    readFileSync(file, "utf8"),
  );
  const crowd = JSON.parse(readFileSync(crowdFileIn(folder), "utf8")) as Certificates["crowd"];
  return { files, ca: ca!, cert: cert!, key: key!, crowd };
}

function filesIn(folder: string): Certificates["files"] {
  return {
    ca: join(folder, "ca.pem"),
    cert: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
  };
}

function crowdFileIn(folder: string): string {
  return join(folder, "crowd.json");
}
