import { type SigningKey, signText } from "../../protocol/crypto.ts";
import type { ServerName } from "../../protocol/identifiers.ts";
import { type Json, type JsonObject, canonicalJsonLoose } from "../../protocol/json.ts";

export interface RequestToSign {
  readonly method: string;
  /** Path with query, exactly as it is sent. */
  readonly uri: string;
  readonly origin: ServerName;
  readonly destination: ServerName;
  readonly content?: Json;
}

/** The Authorization header. (Server-server API, "Request Authentication".) */
export function xMatrixHeader(request: RequestToSign, key: SigningKey): string {
  const signature = signText(canonicalJsonLoose(request as unknown as JsonObject), key);
  const { origin, destination } = request;
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`;
}

/** `/a/b?x=1&y=2&y=3`: segments percent-encoded, undefined parameters left out. */
export function uriOf(
  segments: readonly string[],
  query: Readonly<Record<string, string | number | readonly (string | number)[] | undefined>> = {},
): string {
  const path = segments.map((segment) => encodeURIComponent(segment)).join("/");
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((item) => [name, String(item)] as const),
  );
  const search = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `/${path}${search === "" ? "" : `?${search}`}`;
}
