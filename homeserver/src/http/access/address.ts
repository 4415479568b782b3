import type { FastifyRequest } from "fastify";
import { BlockList, isIPv6 } from "node:net";
import { parseClientAddress } from "../../platform/client-address.ts";

/** Whether X-Forwarded-For is believed from that address. `proxies` may become other ones. */
export function trustIn(proxies: () => readonly string[]): (address: string) => boolean {
  let listed = proxies();
  let trusted = blockListOf(listed);
  return (said) => {
    if (listed !== proxies()) {
      listed = proxies();
      trusted = blockListOf(listed);
    }
    const address = parseClientAddress(said);
    return address !== undefined && trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  };
}

function blockListOf(proxies: readonly string[]): BlockList {
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
  return trusted;
}

/**
 * The client's address, in a uniform notation. When a trusted proxy gives no valid address
 * ("unknown"), the proxy's own counts.
 */
export function addressOf(request: FastifyRequest): string {
  const { socket } = request.raw;
  return parseClientAddress(request.ip) ?? parseClientAddress(socket.remoteAddress) ?? "";
}
