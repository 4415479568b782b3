import { lookup as dnsLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** The address is refused: a request from outside tried to reach into the private network. */
class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  readonly code = "EADDRREFUSED";
}

/** True for addresses of the public internet: not loopback, private, link-local, multicast, … */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === "unicast";
}

/** An IP literal as it stands in a server name (`[::1]` or `127.0.0.1`), without brackets. */
export function ipLiteral(host: string): string | undefined {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  return isIP(bare) === 0 ? undefined : bare;
}

/** Host and port of a server name. */
export function splitServerName(name: string): { host: string; port: number | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(name);
  return {
    host: match?.[1] ?? name,
    port: match?.[2] === undefined ? undefined : Number(match[2]),
  };
}

/** Throws AddressRefused for an IP literal that is not public; names are checked when resolved. */
export function checkLiteral(host: string, allowPrivate: boolean): void {
  const literal = ipLiteral(host);
  if (literal === undefined || allowPrivate || isPublicAddress(literal)) return;
  throw new AddressRefused(`${literal} is a private address`);
}

/** Node's resolver without private addresses; connections go only to the addresses that remain. */
export function guardedLookup(allowPrivate: boolean): LookupFunction {
  return (hostname, options, callback) => {
    dnsLookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "", 0);
      const all = found;
      const allowed = allowPrivate ? all : all.filter(({ address }) => isPublicAddress(address));
      const first = allowed[0];
      if (!first) return callback(new AddressRefused(`${hostname} is at a private address`), "", 0);
      if (options.all) callback(null, allowed, 0);
      else callback(null, first.address, first.family);
      return undefined;
    });
  };
}
