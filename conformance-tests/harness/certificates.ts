import { createAuthority } from "../../scripts/lib/certificates.mjs";

/** What the servers of one run trust and show: they all live on this machine's loopback. */
export interface LoopbackTls {
  /** PEM of the authority that signed `cert`. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function makeLoopbackTls(): LoopbackTls {
  const authority = createAuthority("conformance suite");
  const { cert, key } = authority.issue(["localhost", "127.0.0.1", "::1"]);
  return { ca: authority.cert, cert, key };
}
