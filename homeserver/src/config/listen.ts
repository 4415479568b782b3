export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Splits `host:port`, `[v6]:port` or `:port` (every interface).
 * @returns undefined when the port is above 65535 or the form is another.
 */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) return undefined;
  return { host: match[1] ?? (match[2] || "::"), port };
}

/** The address to type in a browser on this machine for that listener. */
export function baseUrlOf(
  { host, port }: ListenAddress,
  scheme: "http" | "https" = "http",
): string {
  const local = ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"].includes(host);
  const name = local ? "localhost" : host.includes(":") ? `[${host}]` : host;
  const usual = port === (scheme === "http" ? 80 : 443);
  return `${scheme}://${name}${usual ? "" : `:${port}`}`;
}
