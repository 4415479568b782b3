/** A file that a text names. */
export interface NamedMedia {
  readonly server: string;
  readonly mediaId: string;
}

/** mxc URIs, and addresses from which such files are downloaded. */
const NAMED =
  /(?:mxc:\/\/|\/(?:download|thumbnail)\/)([A-Za-z0-9.:[\]%-]{1,255})\/([A-Za-z0-9_-]{1,255})/gi;

/** Colons and brackets as addresses may have them. */
const ESCAPED = /%(?:3a|5b|5d)/gi;

/**
 * The files that JSON text names anywhere, each once: in a url, in HTML, or in a link to a download.
 * Canonical JSON escapes nothing in them.
 */
export function mediaIn(json: string): NamedMedia[] {
  if (!mayNameMedia(json)) return [];
  const found = new Map<string, NamedMedia>();
  for (const [, written = "", mediaId = ""] of json.matchAll(NAMED)) {
    const server = written.replaceAll(ESCAPED, (code) =>
      String.fromCharCode(parseInt(code.slice(1), 16)),
    );
    found.set(`${server}/${mediaId}`, { server, mediaId });
  }
  return [...found.values()];
}

/** A quick look before the thorough one. */
function mayNameMedia(json: string): boolean {
  return /mxc:\/\/|\/download\/|\/thumbnail\//i.test(json);
}
