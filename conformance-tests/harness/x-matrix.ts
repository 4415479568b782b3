import { asText } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { signJson, verifyJson } from "./signing.ts";
import type { SigningKey } from "./signing.ts";

/** What an X-Matrix signature covers. ("Request Authentication", server API.) */
export interface SignedParts {
  readonly method: string;
  /** Path and query, as sent. */
  readonly uri: string;
  readonly origin: string;
  readonly destination: string;
  readonly content: Json | undefined;
}

function asObject({ method, uri, origin, destination, content }: SignedParts): JsonObject {
  const object: JsonObject = { method, uri, origin, destination };
  return content === undefined ? object : { ...object, content };
}

export function authorizationHeader(parts: SignedParts, key: SigningKey): string {
  const signed = signJson(asObject(parts), parts.origin, key);
  const signature = ((signed["signatures"] as JsonObject)[parts.origin] as JsonObject)[key.keyId];
  const { origin, destination } = parts;
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${asText(signature)}"`;
}

export interface XMatrix {
  readonly origin: string;
  readonly destination: string | undefined;
  readonly key: string;
  readonly sig: string;
}

export function parseAuthorization(header: string | undefined): XMatrix | undefined {
  const match = /^X-Matrix\s+(.*)$/i.exec(header ?? "");
  if (match === null) return undefined;
  const found: Record<string, string> = {};
  const parameter = /\s*([^=\s,]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)/y;
  for (
    let each = parameter.exec(match[1] ?? "");
    each !== null;
    each = parameter.exec(match[1] ?? "")
  ) {
    found[(each[1] ?? "").toLowerCase()] = (each[2] ?? each[3] ?? "").replaceAll(/\\(.)/g, "$1");
    if (parameter.lastIndex >= (match[1] ?? "").length) break;
  }
  const { origin, destination, key, sig } = found;
  if (origin === undefined || key === undefined || sig === undefined) return undefined;
  return { origin, destination, key, sig };
}

export function signatureIsGood(parts: SignedParts, given: XMatrix, publicKey: string): boolean {
  const signatures = { [given.origin]: { [given.key]: given.sig } };
  return verifyJson({ ...asObject(parts), signatures }, given.origin, given.key, publicKey);
}
