import type { OperationRow } from "@weft/spec/operations";
import { createFairQueue, QueueFull } from "../../platform/fair-queue.ts";
import { createYielder } from "../../platform/yielder.ts";
import { createWorkerPool } from "../../platform/worker-pool.ts";
import { errors } from "../../protocol/errors.ts";
import {
  type Json,
  JsonError,
  type JsonObject,
  parseClean,
  parseLoose,
} from "../../protocol/json.ts";
import { markForbidden } from "../../protocol/json/json-value.ts";
import { boundsOf, checkBounds, TRANSACTION_BOUNDS } from "../../protocol/json/json-bounds.ts";
import { readForm } from "./form.ts";
import {
  type BodyToJudge,
  type EventText,
  type Judgement,
  type Reading,
  readBody,
  type SignedRequest,
} from "./judge-body.ts";

/** Bodies above this size are judged on another thread. */
const LARGE = 32 * 1024;
/**
 * A signed-in client's body up to this size is read here where a first look finds nothing unusual in it: this
 * loop would have to parse it in any case, and the copy and a second parsing cost more.
 */
const MODERATE = 256 * 1024;
/** Limit on large bodies of one address that wait for that thread. */
const MAX_WAITING = 50;
const COME_AGAIN_MS = 2_000;
/** How long the main loop parses a transaction's events without a pause. */
const SLICE_MS = 5;

/** Parses bodies as their operations require. */
export interface BodyReader {
  /**
   * The JSON of a body, or the fields of a form, whatever its content type; undefined when there is
   * none. `proof` is the
   * server's signature, if a server signed it.
   * @throws JsonError "syntax" → M_NOT_JSON, "forbidden" → M_BAD_JSON
   * @throws MatrixError M_UNAUTHORIZED 401 for a wrong signature, M_LIMIT_EXCEEDED 429
   */
  read(
    operation: BodyOperation,
    bytes: Buffer,
    proof: Proof | undefined,
  ): Promise<Json | undefined>;
  close(): Promise<void>;
}

interface BodyOperation {
  readonly row: OperationRow;
  /** The client's address: addresses take turns with large bodies. */
  readonly address: string;
}

/** A server's signature that has not been checked yet. */
export interface Proof {
  readonly signed: SignedRequest;
  /** Checks it on this thread. @throws MatrixError M_UNAUTHORIZED 401 */
  verify(content: Json | undefined): Promise<void>;
}

export function createBodyReader(): BodyReader {
  const thread = createWorkerPool<BodyToJudge, Judgement>(
    new URL("./body-worker.ts", import.meta.url),
  );
  const largeBodies = createFairQueue<string>({ perKey: 1, total: 1, maxWaiting: MAX_WAITING });

  async function judge(address: string, body: BodyToJudge): Promise<Judgement> {
    try {
      return await largeBodies.run(address, () => thread.run(body));
    } catch (error) {
      if (!(error instanceof QueueFull)) throw error;
      throw errors.limitExceeded(COME_AGAIN_MS, "Too many large requests at this moment");
    }
  }

  async function readLarge(
    address: string,
    bytes: Buffer,
    reading: Reading,
    proof: Proof | undefined,
  ): Promise<Json> {
    const judged = await judge(address, { bytes, reading, signed: proof?.signed });
    switch (judged.kind) {
      case "wrong-signature":
        throw errors.unauthorized("The signature is wrong");
      case "good":
        return JSON.parse(bytes.toString("utf8")) as Json;
      case "events":
        return await join(judged);
      default:
        throw new JsonError(judged.kind, judged.message);
    }
  }

  return {
    async read({ row, address }, bytes, proof) {
      if (bytes.length === 0) {
        await proof?.verify(undefined);
        return undefined;
      }
      // A body that the operation does not take is ignored, unless a server signed it.
      if (row.body === "none" && proof === undefined) return undefined;
      if (row.body === "form") return readForm(bytes);
      const { bodyReading: reading } = row;
      const bounds =
        reading === "events" ? TRANSACTION_BOUNDS : boundsOf(row.bodyLimit ?? bytes.length);
      checkBounds(bytes, bounds);
      if (bytes.length > LARGE) {
        const isModerate = row.auth === "access-token" && bytes.length <= MODERATE;
        const clean = isModerate && reading !== "events" ? parseClean(bytes) : undefined;
        return clean ?? (await readLarge(address, bytes, reading, proof));
      }
      const value = reading === "events" ? parseLoose(bytes) : readBody(bytes, reading);
      await proof?.verify(value);
      return value;
    },
    close: () => thread.close(),
  };
}

/**
 * Assembles a transaction from its parts. They come from a server with a valid signature, and are
 * parsed in slices.
 */
async function join({ rest, lists }: Judgement & { kind: "events" }): Promise<JsonObject> {
  const body = JSON.parse(rest) as JsonObject;
  const yielder = createYielder(SLICE_MS);
  for (const [name, texts] of Object.entries(lists)) {
    const events: Json[] = [];
    for (const event of texts) {
      events.push(readEvent(event));
      await yielder.pauseIfDue();
    }
    body[name] = events;
  }
  return body;
}

function readEvent({ text, forbidden }: EventText): Json {
  if (forbidden === undefined) return JSON.parse(text) as Json;
  const value = parseLoose(text);
  if (typeof value === "object" && value !== null) markForbidden(value, forbidden);
  return value;
}
