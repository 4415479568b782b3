import { domainToASCII } from "node:url";

const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$/;
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MAX_BYTES = 254;

/**
 * The one form of an e-mail address that this server knows it by: in lower case, the domain in
 * ASCII. Undefined: no mail can be sent there. (Appendices, "3PID Types".)
 */
export function canonicalEmail(text: string): string | undefined {
  const at = text.lastIndexOf("@");
  if (at < 1 || text.length > MAX_BYTES) return undefined;
  // Upper case first: that takes apart what folding takes apart, such as ß.
  const local = text.slice(0, at).toUpperCase().toLowerCase();
  const domain = domainToASCII(text.slice(at + 1)).toLowerCase();
  const isLocal = LOCAL.test(local) && !local.split(".").includes("");
  const isDomain = domain.length <= 253 && domain.split(".").every((label) => LABEL.test(label));
  const address = `${local}@${domain}`;
  return isLocal && isDomain && address.length <= MAX_BYTES ? address : undefined;
}

/** The same of any medium; undefined where it is no such address. */
export function canonicalAddress(medium: string, address: string): string | undefined {
  if (medium === "email") return canonicalEmail(address);
  return medium === "msisdn" && /^\d{1,15}$/.test(address) ? address : undefined;
}
