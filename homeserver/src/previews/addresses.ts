import { errors } from "../protocol/errors.ts";

/** Characters of an address. */
const MAX_LENGTH = 2_048;
/** The first port that is not reserved for services such as mail. */
const FIRST_FREE_PORT = 1_024;

/**
 * An address that may be looked at: http or https, on their ports or free ones, without a password.
 * Whether its host is private shows when it is dialled. undefined: it may not.
 */
export function previewAddress(text: string, base?: URL): URL | undefined {
  if (text.length > MAX_LENGTH || !URL.canParse(text, base?.href)) return undefined;
  const url = new URL(text, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  if (url.username !== "" || url.password !== "" || url.href.length > MAX_LENGTH) return undefined;
  if (url.port !== "" && Number(url.port) < FIRST_FREE_PORT) return undefined;
  url.hash = "";
  return url;
}

/** @throws MatrixError 400 M_INVALID_PARAM */
export function parsePreviewAddress(text: string): URL {
  const url = previewAddress(text);
  if (url === undefined) throw errors.invalidParam("url is no web address that can be looked at");
  return url;
}
