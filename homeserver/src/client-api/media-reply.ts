import type { FastifyRequest } from "fastify";
import { Readable } from "node:stream";
import { binary, Reply } from "../http/reply/reply.ts";
import { contentDisposition } from "../media/labels.ts";
import type { MediaFile } from "../media/types.ts";

/**
 * Headers that keep an uploaded file from doing anything in a browser. (Client-server API, "Content
 * repository".)
 */
const SECURITY = {
  "content-security-policy":
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';",
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

/** An mxc URI never changes its content. */
const CACHING = { "cache-control": "private, max-age=31536000, immutable" };

/**
 * A file as an answer: whole, in part (Range), or not at all when the client has it
 * (If-None-Match).
 * @throws MatrixError as `file.read`
 */
export async function fileReply(
  request: FastifyRequest,
  file: MediaFile,
  fileName: string | undefined = file.fileName,
): Promise<Reply> {
  const etag = `"${file.version}"`;
  const headers = {
    ...SECURITY,
    ...CACHING,
    etag,
    "accept-ranges": "bytes",
    "content-type": file.contentType,
    "content-disposition": contentDisposition(file.contentType, fileName),
  };
  if (matches(request.headers["if-none-match"], etag)) return new Reply(304, headers);
  const range = rangeOf(request, file.size, etag);
  if (range === "unsatisfiable") {
    return new Reply(416, { ...headers, "content-range": `bytes */${file.size}` }, "");
  }
  if (range === undefined) {
    return answer(request, 200, { ...headers, "content-length": file.size }, () => file.read());
  }
  const part = {
    ...headers,
    "content-length": range.end - range.start + 1,
    "content-range": `bytes ${range.start}-${range.end}/${file.size}`,
  };
  return answer(request, 206, part, () => file.read(range));
}

async function answer(
  request: FastifyRequest,
  status: number,
  headers: Record<string, string | number>,
  read: MediaFile["read"],
): Promise<Reply> {
  // Without a payload the framework would answer a length of 0.
  if (request.method === "HEAD") return binary(Readable.from([]), { status, headers });
  return binary(await read(), { status, headers });
}

function matches(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.split(",").some((item) => ["*", etag, `W/${etag}`].includes(item.trim()));
}

/**
 * One range of bytes; undefined: the whole file. Several ranges are answered with the whole file.
 * (RFC 9110, 14.)
 */
function rangeOf(
  request: FastifyRequest,
  size: number,
  etag: string,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const condition = request.headers["if-range"];
  if (condition !== undefined && condition !== etag) return undefined;
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(request.headers.range?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [first, last] = [match[1]!, match[2]!];
  if (first === "") {
    const count = Math.min(Number(last), size);
    return count === 0 ? "unsatisfiable" : { start: size - count, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= size ? "unsatisfiable" : { start, end };
}
