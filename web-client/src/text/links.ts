/** What an address points to within Matrix, or undefined. */
export type MatrixLink =
  | { kind: "user"; userId: string }
  | { kind: "room"; room: string; eventId?: string; via: string[] };

/** Reads `https://matrix.to/#/…` and `matrix:` addresses. */
export function parseMatrixLink(href: string): MatrixLink | undefined {
  try {
    return href.startsWith("matrix:") ? parseScheme(href) : parseMatrixTo(href);
  } catch {
    return undefined;
  }
}

function parseMatrixTo(href: string): MatrixLink | undefined {
  const match = /^https:\/\/matrix\.to\/#\/([^?]*)(?:\?(.*))?$/.exec(href);
  if (match === null) return undefined;
  const [first = "", second] = match[1]!.split("/").map(decodeURIComponent);
  const via = new URLSearchParams(match[2] ?? "").getAll("via");
  return target(first, second, via);
}

function parseScheme(href: string): MatrixLink | undefined {
  const url = new URL(href);
  const parts = url.pathname.split("/").map(decodeURIComponent);
  const sigils: Record<string, string> = { u: "@", r: "#", roomid: "!", e: "$" };
  const first = `${sigils[parts[0] ?? ""] ?? ""}${parts[1] ?? ""}`;
  const second = parts[2] === "e" ? `$${parts[3] ?? ""}` : undefined;
  return target(first, second, url.searchParams.getAll("via"));
}

function target(first: string, second: string | undefined, via: string[]): MatrixLink | undefined {
  if (/^@[^:]*:.+/.test(first)) return { kind: "user", userId: first };
  if (!/^(![^\s]+|#[^:\s]+:.+)$/.test(first)) return undefined;
  const room = { kind: "room" as const, room: first, via };
  return second?.startsWith("$") ? { ...room, eventId: second } : room;
}

/** A link to a person or room that every client understands. */
export function matrixTo(id: string, via: readonly string[] = []): string {
  const query = via.map((server) => `via=${encodeURIComponent(server)}`).join("&");
  return `https://matrix.to/#/${encodeURIComponent(id)}${query === "" ? "" : `?${query}`}`;
}

export interface TextPart {
  text: string;
  href?: string;
}

const HOST = String.raw`[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9](?:[a-z0-9-]{0,62})){1,8}(?::\d{1,5})?`;
/**
 * What is an address by its looks: of the web with or without its scheme, of mail, of a person or a room. Each begins where no word
 * is under way, and each part has a length at most, so that no character is looked at often.
 */
const ADDRESS = new RegExp(
  [
    String.raw`(?:https?:\/\/|(?<![\w.@/-])www\.(?=[a-z0-9]))[^\s<>"']+`,
    String.raw`(?<![\w/])matrix:(?:u|r|roomid)\/[^\s<>"']+`,
    String.raw`(?<![\w@#/.:])[#@][^\s:@#<>"'()]{1,200}:(?:${HOST}|localhost(?::\d{1,5})?)`,
    String.raw`(?<![\w.+@/:-])[\w.+-]{1,64}@(?!\d+(?:\.\d+)*\b)${HOST}(?![\w@:])`,
  ].join("|"),
  "giu",
);

/** Where an address that was written leads to. */
function hrefOf(address: string): string {
  if (/^(https?|matrix):/i.test(address)) return address;
  if (/^www\./i.test(address)) return `https://${address}`;
  return /^[#@]/.test(address) ? matrixTo(address) : `mailto:${address}`;
}

/** The address without punctuation that ends the sentence, and without a bracket that was opened before it. */
function withoutEnd(address: string): string {
  const end = lastOutside(address, `.,;:!?'"*_`, address.length);
  const isOpened = address.lastIndexOf("(", end - 1) >= 0;
  return address.slice(0, isOpened ? end : lastOutside(address, ")", end));
}

/** The place behind the last character before `end` that is none of these. (A pattern would try from every one.) */
function lastOutside(text: string, characters: string, end: number): number {
  let at = end;
  while (at > 0 && characters.includes(text[at - 1]!)) at -= 1;
  return at;
}

/** Splits plain text at the addresses in it; punctuation that ends a sentence stays outside. */
export function splitLinks(source: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const match of source.matchAll(ADDRESS)) {
    const address = withoutEnd(match[0]);
    if (match.index > at) parts.push({ text: source.slice(at, match.index) });
    parts.push({ text: address, href: hrefOf(address) });
    at = match.index + address.length;
  }
  if (at < source.length) parts.push({ text: source.slice(at) });
  return parts;
}

/** The host that a text names when it looks like an address of the web, in small letters. */
function hostIn(words: string): string | undefined {
  const match =
    /^\s*(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?::\d+)?(?:[/?#]\S*)?\s*$/iu.exec(
      words.slice(0, 300),
    );
  return match?.[1]?.toLowerCase();
}

/**
 * The host that a link leads to, when its words pretend another one: `https://bank.example` that leads to `evil.example`. Undefined
 * for honest links and for those whose words name no host.
 */
export function hiddenHost(words: string, href: string): string | undefined {
  const said = hostIn(words);
  if (said === undefined || !/^https?:/i.test(href)) return undefined;
  try {
    const { host, hostname } = new URL(href);
    const bare = (name: string): string => name.replace(/^www\./, "");
    return bare(new URL(`https://${said}`).hostname) === bare(hostname) ? undefined : host;
  } catch {
    return undefined;
  }
}
