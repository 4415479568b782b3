import { Parser } from "htmlparser2";
import type { Readable } from "node:stream";

/** What S3 answers in XML is a few kilobytes; a page of lists has 1,000 entries. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The text of a short answer. @throws Error when it is not short, or breaks off */
export async function readAll(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error("the media store's answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The text of the first element of a name; undefined: there is none. */
export function firstText(xml: string, element: string): string | undefined {
  return textsOf(xml, [element])[0]?.text;
}

/** The texts of all elements of some names, in order. */
export function textsOf(
  xml: string,
  elements: readonly string[],
): readonly { readonly element: string; readonly text: string }[] {
  const found: { element: string; text: string }[] = [];
  let open: { element: string; text: string } | undefined;
  const parser = new Parser(
    {
      onopentag(name) {
        if (elements.includes(name)) open = { element: name, text: "" };
      },
      ontext(text) {
        if (open) open.text += text;
      },
      onclosetag(name) {
        if (name !== open?.element) return;
        found.push(open);
        open = undefined;
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(xml);
  return found;
}
