/** A page as it came, with the type that its header says. */
export interface PageBytes {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** Bytes in which a page says its encoding. (HTML standard, "Determining the character encoding".) */
const PRESCAN_BYTES = 1_024;

/**
 * A page's text. What the first bytes say of the encoding counts before the header, and that before
 * the page; without any of them it is UTF-8, or windows-1252 where that does not fit.
 */
export function pageText({ bytes, contentType }: PageBytes): string {
  const decoder =
    decoderFor(byteOrderMark(bytes)) ??
    decoderFor(/;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1]) ??
    decoderFor(declared(bytes));
  if (decoder !== undefined) return decoder.decode(bytes);
  try {
    // A page that was cut off may end within a character.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

function byteOrderMark([one, two, three]: Uint8Array): string | undefined {
  if (one === 0xef && two === 0xbb && three === 0xbf) return "utf-8";
  if (one === 0xfe && two === 0xff) return "utf-16be";
  return one === 0xff && two === 0xfe ? "utf-16le" : undefined;
}

/** What a meta element says. Its page was readable as ASCII so far, and so is not UTF-16. */
function declared(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.subarray(0, PRESCAN_BYTES)).toString("latin1");
  const label = /<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w.:-]{1,40})/i.exec(
    start,
  )?.[1];
  return label !== undefined && /^utf-?16/i.test(label) ? "utf-8" : label;
}

/** undefined: there is no such encoding. */
function decoderFor(label: string | undefined): InstanceType<typeof TextDecoder> | undefined {
  if (label === undefined) return undefined;
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}
