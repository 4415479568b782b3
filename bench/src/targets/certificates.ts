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
}

/** Writes `ca.pem`, `cert.pem` and `key.pem` for localhost and 127.0.0.1. */
export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = createAuthority("Weft's bench");
  const { cert, key } = authority.issue(["localhost", "127.0.0.1"]);
  const files = filesIn(folder);
  writeFileSync(files.ca, authority.cert);
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key, { mode: 0o600 });
  return { files, ca: authority.cert, cert, key };
}

/** Those that were written before. */
export function readCertificates(folder: string): Certificates {
  const files = filesIn(folder);
  const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) =>
    readFileSync(file, "utf8"),
  );
  return { files, ca: ca!, cert: cert!, key: key! };
}

function filesIn(folder: string): Certificates["files"] {
  return {
    ca: join(folder, "ca.pem"),
    cert: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
  };
}
