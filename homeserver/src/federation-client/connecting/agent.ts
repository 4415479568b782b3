import { readFileSync } from "node:fs";
import { type SecureContext, createSecureContext, getCACertificates } from "node:tls";
import { Agent, type buildConnector, buildConnector as makeConnector } from "undici";
import { checkLiteral, guardedLookup } from "./addresses.ts";

export interface OutboundOptions {
  /** WEFT_FEDERATION_ALLOW_PRIVATE */
  readonly allowPrivate: boolean;
  /** WEFT_FEDERATION_CA: path of a PEM file with further authorities. */
  readonly caFile?: string | undefined;
}

/** Every reachable server answers within this time, from anywhere on earth. */
const CONNECT_TIMEOUT_MS = 3_000;

export type Connector = buildConnector.connector;

/**
 * Opens connections for requests caused from outside: private addresses are refused after name
 * resolution, and the additional certificate authorities are trusted.
 */
export function createConnector(options: OutboundOptions): Connector {
  const connect = makeConnector({
    // undici hands these on to tls.connect; parsing the authorities once saves 20 ms a connection.
    secureContext: secureContext(options.caFile),
    lookup: guardedLookup(options.allowPrivate),
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamily: true,
    allowH2: false,
    maxCachedSessions: 200,
  });
  return (target, callback) => {
    try {
      checkLiteral(target.hostname, options.allowPrivate);
    } catch (error) {
      return callback(error as Error, null);
    }
    return connect(target, callback);
  };
}

/** An agent for other requests caused from outside: well-known files, previews, push gateways. */
export function createOutboundAgent(connect: Connector): Agent {
  return new Agent({ connect, headersTimeout: 30_000, bodyTimeout: 30_000 });
}

function secureContext(caFile: string | undefined): SecureContext {
  const ca = new Set([...getCACertificates("default"), ...getCACertificates("system")]);
  if (caFile !== undefined) ca.add(readFileSync(caFile, "utf8"));
  return createSecureContext({ ca: [...ca] });
}
