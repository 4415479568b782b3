import {
  RequestType,
  type OlmMachine,
  type OutgoingRequest,
  type KeysBackupRequest,
  type RoomMessageRequest,
  type ToDeviceRequest,
} from "@matrix-org/matrix-sdk-crypto-wasm";
import { isTransient } from "../../api/errors.ts";
import type { Host, ServerRequest } from "../protocol.ts";

const CLIENT = "/_matrix/client/v3";
/** Requests under way at once. */
const AT_ONCE = 8;
/** Rounds that follow from one another, at most: a server that keeps nothing would be asked without end. */
const MAX_ROUNDS = 10;

const part = encodeURIComponent;

function addressOf(request: OutgoingRequest): Pick<ServerRequest, "method" | "path" | "query"> {
  switch (request.type) {
    case RequestType.KeysUpload:
      return { method: "POST", path: `${CLIENT}/keys/upload` };
    case RequestType.KeysQuery:
      return { method: "POST", path: `${CLIENT}/keys/query` };
    case RequestType.KeysClaim:
      return { method: "POST", path: `${CLIENT}/keys/claim` };
    case RequestType.SignatureUpload:
      return { method: "POST", path: `${CLIENT}/keys/signatures/upload` };
    case RequestType.KeysBackup: {
      const { version } = request as KeysBackupRequest;
      return { method: "PUT", path: `${CLIENT}/room_keys/keys`, query: { version } };
    }
    case RequestType.ToDevice: {
      const { event_type: type, txn_id: txnId } = request as ToDeviceRequest;
      return { method: "PUT", path: `${CLIENT}/sendToDevice/${part(type)}/${part(txnId)}` };
    }
    default:
      throw new Error(`No address for a request of type ${request.type}`);
  }
}

/** 1 s, 2 s, 4 s … 60 s after the n-th failure in a row. */
function delayAfter(failures: number): number {
  return Math.min(1000 * 2 ** (failures - 1), 60_000);
}

/**
 * Makes the requests that the machine wants made, and hands it the answers. What fails is tried again later, each
 * request after a pause of its own.
 */
export function createRequests(machine: OlmMachine, host: Host) {
  const failing = new Map<string, { failures: number; until: number }>();
  let again: PromiseWithResolvers<void> | undefined;
  let isRunning = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  async function answerTo(request: OutgoingRequest): Promise<string> {
    if (request.type === RequestType.RoomMessage) {
      const { room_id: roomId, event_type: type, body, txn_id } = request as RoomMessageRequest;
      const eventId = await host.sendToRoom(roomId, type, body, txn_id);
      return JSON.stringify({ event_id: eventId });
    }
    return host.request({ ...addressOf(request), body: request.body, timeout: 30_000 });
  }

  /** Makes one request and hands the machine its answer. Throws when it fails. */
  async function send(request: OutgoingRequest): Promise<void> {
    const answer = await answerTo(request);
    if (isStopped || request.id === undefined) return;
    await machine.markRequestAsSent(request.id, request.type, answer);
  }

  async function sendAll(requests: readonly OutgoingRequest[]): Promise<void> {
    for (let at = 0; at < requests.length; at += AT_ONCE) {
      await Promise.all(requests.slice(at, at + AT_ONCE).map(send));
    }
  }

  async function attempt(request: OutgoingRequest): Promise<boolean> {
    const id = request.id ?? "";
    try {
      await send(request);
      failing.delete(id);
      return true;
    } catch (error) {
      const failures = (failing.get(id)?.failures ?? 0) + 1;
      // What the server refuses is hardly taken later; still, a server may be mended.
      const delay = isTransient(error) ? delayAfter(failures) : 60_000 * failures;
      failing.set(id, { failures, until: Date.now() + delay });
      return false;
    }
  }

  /** Answers whether more may have to be sent in consequence. */
  async function pass(): Promise<boolean> {
    const now = Date.now();
    const all = await machine.outgoingRequests();
    const due = all.filter(({ id }) => (failing.get(id ?? "")?.until ?? 0) <= now);
    const results: boolean[] = [];
    for (let at = 0; at < due.length; at += AT_ONCE) {
      results.push(...(await Promise.all(due.slice(at, at + AT_ONCE).map(attempt))));
    }
    const wanted = new Set(all.map(({ id }) => id));
    for (const id of failing.keys()) if (!wanted.has(id)) failing.delete(id);
    schedule();
    return results.includes(true);
  }

  function schedule(): void {
    clearTimeout(timer);
    if (failing.size === 0 || isStopped) return;
    const next = Math.min(...[...failing.values()].map(({ until }) => until));
    timer = setTimeout(() => void flush(), Math.max(0, next - Date.now()) + 10);
  }

  async function run(): Promise<void> {
    isRunning = true;
    try {
      while (again !== undefined && !isStopped) {
        const round = again;
        again = undefined;
        try {
          for (let count = 0; count < MAX_ROUNDS && !isStopped; count++) {
            if (!(await pass())) break;
          }
          round.resolve();
        } catch (error) {
          round.reject(error);
        }
      }
    } finally {
      isRunning = false;
    }
  }

  /** Resolves once all that the machine wants now was tried. What fails is tried again by itself. */
  function flush(): Promise<void> {
    again ??= Promise.withResolvers<void>();
    const { promise } = again;
    promise.catch(() => undefined);
    if (!isRunning) void run();
    return promise;
  }

  return {
    send,
    sendAll,
    flush,
    /** Makes a request of ours and answers its JSON. */
    json: async <T>(request: ServerRequest): Promise<T> =>
      JSON.parse(await host.request(request)) as T,
    stop(): void {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}

export type Requests = ReturnType<typeof createRequests>;
