/** The version that Weft is compared with. */
export const SYNAPSE_VERSION: string;

/** What keeps Synapse from being installed here: the registry is not reached, or there is no Python. */
export class NotInstallable extends Error {}

/**
 * The Python of a virtual environment that has Synapse in it, installed from PyPI into the repository's
 * cache folder unless it is there already.
 * @throws NotInstallable
 */
export function ensureSynapse(tell?: (line: string) => void): string;

export interface SynapsePlace {
  readonly serverName: string;
  /** Where it keeps its data; `signing.key` is there already. */
  readonly folder: string;
  readonly clientPort: number;
  readonly federationPort: number;
  /** Paths of PEM files. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** PostgreSQL to use, as keyword/value connection parameters; absent: SQLite in the folder. */
  readonly database?: Readonly<Record<string, string>> | undefined;
}

/** Settings of a Synapse on loopback with open registration and without rate limits. JSON is YAML. */
export function synapseConfiguration(place: SynapsePlace): Record<string, unknown>;

/** What stands in `signing.key`: a new key. */
export function newSynapseKey(): string;
