export interface Issued {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}
export interface Authority {
  /** PEM of the authority's own certificate. */
  readonly cert: string;
  /** A server's certificate for host names and IP addresses. */
  issue(names: readonly string[]): Issued;
}
export function createAuthority(name?: string): Authority;
