/** Addresses of clients as others write them: sockets, and proxies in X-Forwarded-For. */
import { isIP, isIPv4, isIPv6 } from "node:net";

const MAPPED = /^::ffff:(?=\d+\.)/i;

/**
 * The address without what some proxies put beside it (brackets, a port) and without a zone; one of version 4 that is
 * written as one of version 6, as one of version 4. Undefined for what is no address.
 */
export function parseClientAddress(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (isIPv4(text)) return text;
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text);
  const bare = bracketed?.[1] ?? text;
  const [withoutZone = ""] = bare.split("%", 1);
  const address = withoutZone.replace(MAPPED, "");
  if (isIP(address) !== 0) return address.toLowerCase();
  const withPort = /^([\d.]+):\d{1,5}$/.exec(address);
  return withPort && isIPv4(withPort[1]!) ? withPort[1] : undefined;
}

/**
 * Whom an address stands for where something is counted: whoever has one address of version 6 has the whole network of
 * it (a /64). Anything else stands for itself.
 */
export function networkOf(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":").filter((group) => group !== "");
  const after = (tail ?? "").split(":").filter((group) => group !== "");
  // An address of version 4 at the end stands for two groups.
  const count = groups.length + after.length + (address.includes(".") ? 1 : 0);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - count);
  const all = [...groups, ...Array.from({ length: zeros }, () => "0"), ...after];
  const network = all.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "").toLowerCase());
  return `${network.join(":")}::/64`;
}
