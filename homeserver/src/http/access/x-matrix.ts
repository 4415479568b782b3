/** The parameters of an `Authorization: X-Matrix …` header. */
export interface XMatrix {
  readonly origin: string;
  /** Older servers omit it. */
  readonly destination: string | undefined;
  readonly key: string;
  readonly sig: string;
}

// name = token or quoted string (RFC 9110, 11.4); values without quotes may hold colons and base64.
const PARAMETER =
  /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?:,|$)/;

/**
 * Parses the header's value. (Server-server API, "Request Authentication".)
 * @returns undefined when it is another scheme, malformed, or lacks a parameter
 */
export function parseXMatrix(header: string | undefined): XMatrix | undefined {
  const scheme = /^x-matrix\s+/i.exec(header ?? "");
  if (!scheme) return undefined;
  let rest = header!.slice(scheme[0].length);
  const found = new Map<string, string>();
  while (rest.trim() !== "") {
    const match = PARAMETER.exec(rest);
    if (!match) return undefined;
    const name = match[1]!.toLowerCase();
    const value = match[2] === undefined ? match[3]! : match[2].replaceAll(/\\(.)/g, "$1");
    if (found.has(name)) return undefined;
    found.set(name, value);
    rest = rest.slice(match[0].length);
  }
  const [origin, key, sig] = [found.get("origin"), found.get("key"), found.get("sig")];
  if (!origin || !key || !sig) return undefined;
  return { origin, destination: found.get("destination"), key, sig };
}
