import { LRUCache } from "lru-cache";
import { route, type Route } from "../http/route.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/api/index.ts";

export interface TransactionsDeps {
  readonly rooms: Rooms;
  /**
   * Takes in one EDU of another server; what is malformed or not theirs to say is dropped.
   * @throws LogUnavailable, or the database's error, where it is away or refuses
   */
  readonly receiveEdu: (origin: ServerName, type: string, content: JsonObject) => Promise<void>;
  /** The server is there: whatever waits for it may go. */
  readonly heard: (server: ServerName) => void;
}

/** A transaction that is repeated while it is worked on, or soon after, gets the same answer. */
const ANSWERS_KEPT = 2000;

/** What other servers tell. (Server-server API, "Transactions".) */
export function transactionsRoutes({ rooms, receiveEdu, heard }: TransactionsDeps): Route[] {
  const answers = new LRUCache<string, Promise<object>>({ max: ANSWERS_KEPT, ttl: 10 * 60_000 });

  async function work(
    origin: ServerName,
    pdus: readonly JsonObject[],
    edus: readonly JsonObject[],
  ): Promise<object> {
    const results = await rooms.federation.receive(origin, pdus);
    for (const { edu_type: type, content } of edus) {
      if (typeof type === "string" && isJsonObject(content))
        await receiveEdu(origin, type, content);
    }
    return { pdus: results };
  }

  return [
    // PUT /_matrix/federation/v1/send/{txnId}
    route("sendTransaction", ({ params, body, origin }) => {
      heard(origin);
      const key = `${origin} ${params.txnId}`;
      let answer = answers.get(key);
      if (!answer) {
        answer = work(origin, objectsIn(body.pdus), objectsIn(body.edus));
        answers.set(key, answer);
        answer.catch(() => answers.delete(key));
      }
      return answer;
    }),
  ];
}

/** What is no object is no event and no EDU, and has no identifier to be answered by. */
function objectsIn(list: readonly unknown[] | undefined): JsonObject[] {
  return list?.filter(isJsonObject) ?? [];
}
