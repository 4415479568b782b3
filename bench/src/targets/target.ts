/** A homeserver under load. */
export interface Target {
  readonly name: string;
  /** Client API. */
  readonly url: URL;
  /** Client API of another replica of the server, where there is one. */
  readonly secondUrl?: URL | undefined;
  /** Where peers send to: https, or plain http where a server takes both there. */
  readonly federationUrl: URL;
  /** Roots of the process trees of the server and, when it runs apart, its database. */
  readonly pids: readonly number[];
  /** Port of Node's inspector on loopback: needed for profiles. */
  readonly inspectPort: number | undefined;
  /** PEM of the authority that signed the federation listener's certificate. */
  readonly ca: string | undefined;
  /** How many rows its database has, where that can be counted. */
  readonly countRows?: (() => Promise<number>) | undefined;
  stop(): Promise<void>;
}
