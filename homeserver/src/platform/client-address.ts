/** Client addresses as given by sockets, and by proxies in X-Forwarded-For. */
import { isIP, isIPv4, isIPv6 } from "node:net";

const MAPPED = /^::ffff:(?=\d+\.)/i;

/**
 * The address without brackets, port and zone, as some proxies add them. An IPv4 address in IPv6
 * notation is returned as IPv4. Undefined for invalid addresses.
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
 * The unit for counting per address: an IPv6 address stands for its whole /64 network, since its
 * owner has all of that. Others stand for themselves.
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
