/** Where browsers may be sent back to. (Client-server API, "Redirect URI validation"; RFC 8252.) */
import { OAuthError } from "./oauth-error.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const MAX_URI = 2_048;

/** What a redirect URI has to fit. */
interface Owner {
  readonly applicationType: "web" | "native";
  readonly clientUri: URL;
  /** Whether http counts as https does: this server itself is reached without encryption. */
  readonly allowPlain: boolean;
}

/** @throws OAuthError invalid_redirect_uri, naming the rule that it breaks */
export function checkRedirectUri(text: string, owner: Owner): void {
  const uri = parseUri(text);
  if (uri === undefined) throw refuse(text, "is no absolute URI");
  if (text.includes("#")) throw refuse(text, "has a fragment");
  const isWeb = uri.protocol === "https:" || (owner.allowPlain && uri.protocol === "http:");
  if (isWeb && !(owner.applicationType === "native" && isBareLoopback(uri))) {
    if (uri.username !== "" || uri.password !== "") throw refuse(text, "names a user");
    if (isWithin(uri, owner.clientUri)) return;
    throw refuse(text, "is not on the host of client_uri, nor below it");
  }
  if (owner.applicationType === "web") throw refuse(text, "does not begin with https:");
  if (uri.protocol === "http:") {
    if (!LOOPBACK.has(uri.hostname)) throw refuse(text, "is http, and not of this machine");
    if (uri.port !== "") throw refuse(text, "names a port: any will do");
    return;
  }
  const scheme = uri.protocol.slice(0, -1);
  const reversed = owner.clientUri.hostname.split(".").toReversed().join(".");
  const isOwn = scheme === reversed || scheme.startsWith(`${reversed}.`);
  // A name without a dot could be that of a scheme with a meaning, such as javascript.
  if (!isOwn || !reversed.includes(".")) {
    throw refuse(text, `has a scheme that does not begin with ${reversed}`);
  }
  if (/^[^:]+:\/\//.test(text)) throw refuse(text, "has an authority after its scheme");
}

/** Whether a URI is one of those registered; on the loopback interface with any port. */
export function isRegistered(registered: readonly string[], text: string): boolean {
  if (registered.includes(text)) return true;
  const uri = parseUri(text);
  if (uri === undefined || text.includes("#") || !isLoopback(uri) || hasUser(uri)) return false;
  uri.port = "";
  return registered.some((each) => {
    const one = parseUri(each);
    return one !== undefined && isBareLoopback(one) && one.href === uri.href;
  });
}

/** A URL that the client's host, or one below it, serves. */
export function isWithin(url: URL, clientUri: URL): boolean {
  return url.hostname === clientUri.hostname || url.hostname.endsWith(`.${clientUri.hostname}`);
}

/** An absolute URI of printable ASCII; undefined if it is none. */
export function parseUri(text: string): URL | undefined {
  if (text.length > MAX_URI || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  return URL.parse(text) ?? undefined;
}

const isLoopback = (uri: URL) => uri.protocol === "http:" && LOOPBACK.has(uri.hostname);
const isBareLoopback = (uri: URL) => isLoopback(uri) && uri.port === "";
const hasUser = (uri: URL) => uri.username !== "" || uri.password !== "";

function refuse(text: string, why: string): OAuthError {
  return new OAuthError("invalid_redirect_uri", `${text.slice(0, 200)} ${why}`);
}
