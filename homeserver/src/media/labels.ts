/** Labels of uploaded files, made safe for use in headers. */

/**
 * Types that a browser may display inline without danger. (Client-server API, "Serving inline
 * content".)
 */
const INLINE = new Set(
  [
    "text/css text/plain text/csv",
    "application/json application/ld+json",
    "image/jpeg image/gif image/png image/apng image/webp image/avif",
    "video/mp4 video/webm video/ogg video/quicktime",
    "audio/mp4 audio/webm audio/aac audio/mpeg audio/ogg audio/wave audio/wav audio/x-wav audio/x-pn-wav audio/flac audio/x-flac",
  ].flatMap((types) => types.split(" ")),
);

const UNKNOWN_TYPE = "application/octet-stream";
const TOKEN = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
/** With parameters; there may be none between two semicolons. (RFC 9110, 5.6.6 and 8.3.1.) */
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;(?:[ \\t]*${TOKEN}=(?:${TOKEN}|"[^"\\\\\\x00-\\x1f\\x7f-\\uffff]*"))?)*$`,
);
const RANGE = /^(?:\*\/|[^/]*\/\*(?:$|[ \t;]))/;
const MAX_TYPE_LENGTH = 200;
const MAX_NAME_BYTES = 255;

/** The given media type, or application/octet-stream when it is invalid. */
export function cleanContentType(said: string | undefined): string {
  const type = said?.trim() ?? "";
  if (type.length > MAX_TYPE_LENGTH || !MEDIA_TYPE.test(type)) return UNKNOWN_TYPE;
  // A range such as image/* is not a type.
  return RANGE.test(type) ? UNKNOWN_TYPE : type;
}

/**
 * A file name without path, control characters and excess length; undefined when nothing is left.
 */
export function cleanFileName(said: string | undefined): string | undefined {
  if (said === undefined) return undefined;
  const name = said
    .toWellFormed()
    // Control and direction characters could hide what a name is.
    .replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "")
    .replaceAll(/[/\\]/g, "_")
    .trim();
  const short = cutToBytes(name, MAX_NAME_BYTES);
  return short === "" || short === "." || short === ".." ? undefined : short;
}

function cutToBytes(text: string, max: number): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > max) break;
    kept += character;
  }
  return kept;
}

/** Whether a type may be shown in place. */
function isInlineType(contentType: string): boolean {
  return INLINE.has(contentType.split(";", 1)[0]!.trim().toLowerCase());
}

/**
 * The Content-Disposition header for a file: inline for safe types, otherwise attachment. (RFC
 * 6266, RFC 8187.)
 */
export function contentDisposition(contentType: string, fileName: string | undefined): string {
  const kind = isInlineType(contentType) ? "inline" : "attachment";
  if (fileName === undefined) return kind;
  const isAscii = /^[\x20-\x7e]*$/.test(fileName);
  const quoted = fileName.replaceAll(/[^\x20-\x7e]/gu, "_").replaceAll(/["\\]/g, "\\$&");
  const plain = `${kind}; filename="${quoted}"`;
  return isAscii ? plain : `${plain}; filename*=UTF-8''${percentEncoded(fileName)}`;
}

function percentEncoded(text: string): string {
  const encoded = encodeURIComponent(text);
  return encoded.replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The file name in a Content-Disposition header of another server; undefined when it gives none.
 */
export function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined;
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition);
  if (extended) {
    try {
      return cleanFileName(decodeURIComponent(extended[1]!));
    } catch {
      // Not percent-encoded UTF-8: the plain form may serve.
    }
  }
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return cleanFileName(plain?.[1]?.replaceAll(/\\(.)/g, "$1") ?? plain?.[2]);
}
