import { strictLocalpart } from "../../protocol/identifiers.ts";

const MAX_LETTERS = 64;

/**
 * A name of an account that is like what a provider calls somebody: the part before "@", in small
 * letters, without accents; what no name may have becomes "-". `isExact`: nothing had to be changed
 * but capitals, so that no other text becomes the same name.
 */
export function localpartOf(claim: unknown): { localpart: string; isExact: boolean } | undefined {
  if (typeof claim !== "string") return undefined;
  const text = claim.trim();
  const small = text.toLowerCase();
  const localpart = small
    .replace(/(?<=.)@.*$/s, "")
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[^a-z0-9._=/+-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, MAX_LETTERS);
  if (!strictLocalpart(localpart)) return undefined;
  // Others become small ASCII letters too, such as the sign for kelvins.
  return { localpart, isExact: localpart === small && /^[\x21-\x7e]+$/.test(claim) };
}
