import type { FastifyRequest } from "fastify";
import { BlockList, isIPv6 } from "node:net";
import { parseClientAddress } from "../../platform/client-address.ts";

/** Whether X-Forwarded-For is believed from that address. */
export function trustIn(proxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const proxy of proxies) {
    const [text, length] = proxy.split("/") as [string, string | undefined];
    const address = parseClientAddress(text) ?? text;
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
    const bits = Number(length) - (family === "ipv4" && text.includes(":") ? 96 : 0);
    if (length === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, bits, family);
  }
  return (said) => {
    const address = parseClientAddress(said);
    return address !== undefined && trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  };
}

/**
 * The client's address, in a uniform notation. When a trusted proxy gives no valid address
 * ("unknown"), the proxy's own counts.
 */
export function addressOf(request: FastifyRequest): string {
  const { socket } = request.raw;
  return parseClientAddress(request.ip) ?? parseClientAddress(socket.remoteAddress) ?? "";
}
