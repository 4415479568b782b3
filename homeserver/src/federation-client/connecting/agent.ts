import { readFileSync } from "node:fs";
import { type SecureContext, createSecureContext, getCACertificates, TLSSocket } from "node:tls";
import { LRUCache } from "lru-cache";
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

/**
 * Bytes of TLS sessions that are remembered, some 800 for each server. A connection that continues a
 * session costs two thirds of a new one: the certificate was looked at when it began.
 */
const SESSIONS_BYTES = 8 * 1024 * 1024;
/** Certificates are looked at again after this time. */
const SESSION_MS = 12 * 60 * 60_000;

export type Connector = buildConnector.connector;

/**
 * Opens connections for requests caused from outside: private addresses are refused after name
 * resolution, and the additional certificate authorities are trusted.
 */
export function createConnector(options: OutboundOptions): Connector {
  const shared = {
    // undici hands these on to tls.connect; parsing the authorities once saves 20 ms a connection.
    secureContext: secureContext(options.caFile),
    lookup: guardedLookup(options.allowPrivate),
    timeout: CONNECT_TIMEOUT_MS,
    autoSelectFamily: true,
    allowH2: false,
    // undici's own memory of sessions lasts until the next garbage collection.
    maxCachedSessions: 0,
  };
  const sessions = new LRUCache<string, Buffer>({
    maxSize: SESSIONS_BYTES,
    sizeCalculation: (session, key) => session.length + key.length,
    ttl: SESSION_MS,
  });
  return (target, callback) => {
    try {
      checkLiteral(target.hostname, options.allowPrivate);
    } catch (error) {
      return callback(error as Error, null);
    }
    // A session is good for the name that the certificate was checked for, at the same place.
    const key = `${target.servername ?? ""}\0${target.hostname}\0${target.port}`;
    const connect = makeConnector({ ...shared, session: sessions.get(key) });
    const socket: unknown = connect(target, callback);
    if (socket instanceof TLSSocket) {
      socket.on("session", (session: Buffer) => void sessions.set(key, session));
    }
    return socket;
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
