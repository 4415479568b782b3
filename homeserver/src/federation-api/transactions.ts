import { LRUCache } from "lru-cache";
import type { Edus } from "../edus/index.ts";
import { route, type Route } from "../http/route.ts";
import type { ServerName } from "../protocol/identifiers.ts";
import { isJsonObject, type JsonObject } from "../protocol/json.ts";
import type { Rooms } from "../rooms/api/index.ts";

export interface TransactionsDeps {
  readonly rooms: Rooms;
  readonly receiveEdu: Edus["receive"];
  /** The server is reachable: what waits for it can be sent. */
  readonly receivedFrom: (server: ServerName) => void;
}

/** A transaction repeated during its handling, or soon afterwards, gets the same answer. */
const ANSWERS_KEPT = 2000;

/** Transactions of other servers. (Server-server API, "Transactions".) */
export function transactionsRoutes({ rooms, receiveEdu, receivedFrom }: TransactionsDeps): Route[] {
  const answers = new LRUCache<string, Promise<object>>({ max: ANSWERS_KEPT, ttl: 10 * 60_000 });

  async function work(
    origin: ServerName,
    pdus: readonly JsonObject[],
    edus: readonly JsonObject[],
  ): Promise<object> {
    const results = await rooms.federation.receive(origin, pdus);
    // Messages for devices are handed over together, and stored in the order of the transaction.
    const messages: Promise<void>[] = [];
    for (const { edu_type: type, content } of edus) {
      if (typeof type !== "string" || !isJsonObject(content)) continue;
      const taken = receiveEdu(origin, type, content);
      if (type !== "m.direct_to_device") await taken;
      else messages.push(taken);
      taken.catch(() => {});
    }
    await Promise.all(messages);
    return { pdus: results };
  }

  return [
    // PUT /_matrix/federation/v1/send/{txnId}
    route("sendTransaction", ({ params, body, origin }) => {
      receivedFrom(origin);
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

/** Entries that are not objects are neither events nor EDUs, and have no id to answer with. */
function objectsIn(list: readonly unknown[] | undefined): JsonObject[] {
  return list?.filter(isJsonObject) ?? [];
}
