import { open } from "node:fs/promises";
import { type Budget, createBudget } from "../../platform/budget.ts";
import { escapeMarkup } from "../../protocol/text.ts";
import { firstText, readAll, textsOf } from "./s3-answers.ts";
import { type S3Client, S3Refusal } from "./s3-client.ts";
import { StoreAway } from "./types.ts";

const MIB = 1024 * 1024;
/** What is longer goes up in parts of this length. A store takes 10,000 of them. */
export const PART_BYTES = 8 * MIB;
/** Parts of all uploads that are in memory at the same time. */
const MAX_PARTS = 4;
/** Parts of one upload at the same time. */
const PARTS_OF_ONE = 3;
const MAX_WAITING = 10_000;

/** Sends files of this machine to a bucket, in bounded memory. */
export interface S3Sender {
  /** @throws StoreAway; then nothing of it is left but what `abortOld` finds. */
  send(name: string, path: string, size: number): Promise<void>;
  /** Ends what was begun before a moment (ms since 1970), and never ended, under the prefix. */
  abortOld(before: number): Promise<void>;
}

export function createS3Sender(client: S3Client, prefix: string): S3Sender {
  const budget = createBudget({
    total: MAX_PARTS * PART_BYTES,
    concurrency: MAX_PARTS,
    maxWaiting: MAX_WAITING,
  });

  async function sendInParts(name: string, path: string, size: number): Promise<void> {
    const begun = await client.send({ method: "POST", name, query: { uploads: "" } });
    const uploadId = firstText(await readAll(begun.body), "UploadId");
    if (uploadId === undefined) throw new StoreAway("the media store began no upload");
    try {
      const tags = await sendParts(name, path, size, uploadId);
      const body = Buffer.from(completion(tags));
      const query = { uploadId };
      const ended = await readAll((await client.send({ method: "POST", name, query, body })).body);
      // The answer may begin as a success before it is known that there is none.
      const code = firstText(ended, "Code");
      if (code !== undefined) throw new S3Refusal(200, code, firstText(ended, "Message") ?? "");
    } catch (error) {
      await abort(name, uploadId).catch(() => {});
      throw error;
    }
  }

  /** The parts' tags, in order. */
  async function sendParts(
    name: string,
    path: string,
    size: number,
    uploadId: string,
  ): Promise<string[]> {
    const count = Math.ceil(size / PART_BYTES);
    const tags: string[] = [];
    let next = 0;
    let failed = false;
    const work = async () => {
      while (next < count && !failed) {
        const index = next;
        next += 1;
        const query = { partNumber: String(index + 1), uploadId };
        const length = Math.min(PART_BYTES, size - index * PART_BYTES);
        await holding(budget, length, async () => {
          const body = await readPart(path, index * PART_BYTES, length);
          const answer = await client.send({ method: "PUT", name, query, body });
          await answer.body.dump();
          tags[index] = String(answer.headers.etag ?? "");
        });
      }
    };
    const workers = Array.from({ length: Math.min(PARTS_OF_ONE, count) }, () =>
      work().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    );
    // None may still be sending when the upload is ended.
    const ends = await Promise.allSettled(workers);
    const failure = ends.find((end) => end.status === "rejected");
    if (failure) throw failure.reason;
    return tags;
  }

  async function abort(name: string, uploadId: string): Promise<void> {
    const answer = await client.send({ method: "DELETE", name, query: { uploadId } });
    await answer.body.dump();
  }

  return {
    async send(name, path, size) {
      if (size > PART_BYTES) return sendInParts(name, path, size);
      await holding(budget, size, async () => {
        const body = await readPart(path, 0, size);
        const answer = await client.send({ method: "PUT", name, body });
        await answer.body.dump();
      });
    },

    async abortOld(before) {
      const answer = await client.send({ method: "GET", query: { uploads: "", prefix } });
      for (const { name, uploadId, since } of uploadsIn(await readAll(answer.body))) {
        if (name.startsWith(prefix) && since < before) {
          await abort(name.slice(prefix.length), uploadId);
        }
      }
    },
  };
}

async function holding(budget: Budget, amount: number, work: () => Promise<void>): Promise<void> {
  const release = await budget.acquire(amount);
  if (release === undefined) throw new StoreAway("too many files wait for the media store");
  try {
    await work();
  } finally {
    release();
  }
}

async function readPart(path: string, start: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const part = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await file.read(part, read, length - read, start + read);
      if (bytesRead === 0) throw new Error("the file became shorter");
      read += bytesRead;
    }
    return part;
  } finally {
    await file.close();
  }
}

function completion(tags: readonly string[]): string {
  const parts = tags.map(
    (tag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeMarkup(tag)}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
}

/** The uploads in a list of them. */
function uploadsIn(xml: string): { name: string; uploadId: string; since: number }[] {
  const found: { name: string; uploadId: string; since: number }[] = [];
  let name = "";
  let uploadId = "";
  for (const { element, text } of textsOf(xml, ["Key", "UploadId", "Initiated"])) {
    if (element === "Key") name = text;
    else if (element === "UploadId") uploadId = text;
    else found.push({ name, uploadId, since: Date.parse(text) });
  }
  return found;
}
