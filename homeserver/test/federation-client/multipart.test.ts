import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import {
  MultipartError,
  boundaryOf,
  partStream,
  readMultipart,
} from "../../src/federation-client/reading/multipart.ts";

/** The text in chunks of `size` bytes, and what the reader makes of it. */
async function parts(text: string, size: number) {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const found = [];
  for await (const part of readMultipart(chunks(), "bnd")) {
    found.push({
      headers: Object.fromEntries(part.headers),
      body: String(await buffer(partStream(part))),
    });
  }
  return found;
}

const ANSWER = [
  "preamble",
  "--bnd",
  "Content-Type: application/json",
  "",
  "{}",
  "--bnd ",
  "content-type: text/plain",
  "X-Y:  z ",
  "",
  "line one\r\n--bn is no boundary\r\n",
  "--bnd--",
  "epilogue",
].join("\r\n");

describe("a multipart body", () => {
  test.each([1, 2, 3, 7, 64, 10_000])("is read from chunks of %i bytes", async (size) => {
    expect(await parts(ANSWER, size)).toEqual([
      { headers: { "content-type": "application/json" }, body: "{}" },
      {
        headers: { "content-type": "text/plain", "x-y": "z" },
        body: "line one\r\n--bn is no boundary\r\n",
      },
    ]);
  });

  test.each([
    ["without an end", "--bnd\r\n\r\nbody"],
    ["with a broken header", "--bnd\r\nnonsense\r\n\r\nbody\r\n--bnd--"],
    ["with endless headers", `--bnd\r\na: ${"x".repeat(20_000)}`],
    ["with headers without end", `--bnd\r\n${"a: b\r\n".repeat(3_000)}\r\nbody\r\n--bnd--`],
    ["that is empty", ""],
  ])("%s is refused", async (_name, text) => {
    await expect(parts(text, 100)).rejects.toBeInstanceOf(MultipartError);
  });

  test("has its boundary in the content type, quoted or not", () => {
    expect(boundaryOf('multipart/mixed; boundary="a b"')).toBe("a b");
    expect(boundaryOf("Multipart/Mixed;charset=x; Boundary=abc; x=y")).toBe("abc");
    expect(boundaryOf("text/plain; boundary=abc")).toBeUndefined();
  });
});
