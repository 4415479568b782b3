import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, requestText } from "../load/connection.ts";
import { parallel, range } from "../load/parallel.ts";
import { type Answer, type Api, createApi } from "../matrix/api.ts";
import { createRoom, roomPath } from "../matrix/rooms.ts";
import { registerUsers, type User } from "../matrix/users.ts";
import { loopFigures, measuredLoop, type Result, type Workload } from "./workload.ts";

const ROOMS = 50;
const USERS = 4;
const WORDS_OF_MESSAGE = 12;
/** Different words: the n-th is used as often as 1/n says, as in languages. */
const VOCABULARY = 20_000;
const SENDS_AT_ONCE = 16;
const INDEXED_WITHIN_MS = 1_800_000;

/** Searches of one user among the messages of all their rooms. */
export const search: Workload = {
  name: "search",
  about: "searches, one at a time, among 20,000 messages in fifty rooms (--messages)",
  async run(context) {
    const { target, settings, say } = context;
    const api = createApi(target.url);
    const users = await registerUsers(api, USERS);
    const [owner, ...others] = users as [User, ...User[]];
    const rooms = await parallel(range(settings.rooms || ROOMS), 4, () =>
      createRoom(api, owner, others),
    );
    say(`search: sending ${settings.messages} messages`);
    await parallel(range(settings.messages), SENDS_AT_ONCE, (number) =>
      send(api, users[number % USERS]!, rooms[number % rooms.length]!, number),
    );
    say("search: waiting until they are found");
    await untilFound(api, owner, settings.messages - 1);
    const connection = createConnection(target.url);
    const results: Result[] = [];
    for (const [cell, queryOf, isRight] of kinds(rooms, settings.messages)) {
      let wrongs = 0;
      let asked = 0;
      const loop = await measuredLoop(context, {
        lanes: 1,
        warmUpSeconds: Math.min(1, settings.warmUpSeconds),
        async operate() {
          const query = queryOf(asked++);
          const { status, body } = await connection.exchange(
            requestText(target.url, "POST", "/_matrix/client/v3/search", {
              authorization: `Bearer ${owner.token}`,
              body: JSON.stringify({ search_categories: { room_events: query } }),
            }),
          );
          if (status !== 200) throw new Error(`search: ${status}`);
          const { room_events: found } = JSON.parse(body.toString()).search_categories;
          if (!isRight(found)) wrongs += 1;
          return 1;
        },
      });
      const wrong = wrongs > 0 ? `${wrongs} answers lacked what was to be found` : undefined;
      const shared = { workload: "search", target: target.name, cell, unit: "search" };
      results.push({
        ...shared,
        ...loopFigures(loop),
        wrong,
        note: `${settings.messages} messages`,
      });
    }
    connection.close();
    api.close();
    return results;
  },
};

type Kind = readonly [
  cell: string,
  queryOf: (asked: number) => object,
  isRight: (found: Answer) => boolean,
];

function kinds(rooms: readonly string[], messages: number): readonly Kind[] {
  const one = (found: Answer) => found.results.length === 1;
  const some = (found: Answer) => found.results.length > 0;
  const often = (asked: number) => word(1 + (asked % 20));
  const seldom = (asked: number) => word(200 + ((asked * 37) % 2_000));
  return [
    [
      "a word of one message",
      (asked) => ({ search_term: only((asked * 7919) % messages), order_by: "recent" }),
      one,
    ],
    [
      "a common word, newest first",
      (asked) => ({ search_term: often(asked), order_by: "recent" }),
      some,
    ],
    ["a common word, best first", (asked) => ({ search_term: often(asked) }), some],
    ["a seldom word, best first", (asked) => ({ search_term: seldom(asked) }), some],
    ["two common words", (asked) => ({ search_term: `${often(asked)} ${often(asked + 7)}` }), some],
    [
      "a common word in one room",
      (asked) => ({
        ...{ search_term: often(asked), order_by: "recent" },
        filter: { rooms: [rooms[asked % rooms.length]] },
      }),
      some,
    ],
  ];
}

async function send(api: Api, { token }: User, roomId: string, number: number): Promise<void> {
  const text = range(WORDS_OF_MESSAGE).map((place) =>
    word(rankOf(number * WORDS_OF_MESSAGE + place)),
  );
  await api.call({
    method: "PUT",
    path: `${roomPath(roomId)}/send/m.room.message/search.${number}`,
    token,
    body: { msgtype: "m.text", body: [...text, only(number)].join(" ") },
  });
}

async function untilFound(api: Api, { token }: User, last: number): Promise<void> {
  const end = performance.now() + INDEXED_WITHIN_MS;
  while (performance.now() < end) {
    const answer = await api.call({
      method: "POST",
      path: "/_matrix/client/v3/search",
      token,
      body: { search_categories: { room_events: { search_term: only(last) } } },
    });
    if (answer.search_categories.room_events.results.length > 0) return;
    await sleep(500);
  }
  throw new Error("the last message was not found in time");
}

/** A word that stands in one message alone. */
const only = (number: number) => `q${spelled(number)}zz`;
/** The word that is the rank-th in how often it is used. */
const word = (rank: number) => `w${spelled(rank)}`;

/** In letters, so that it is one word in every language's eyes. */
function spelled(number: number): string {
  return number.toString(26).replaceAll(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)]!) + "k";
}

/** Ranks as a language has them, the same in every run: about one in n is the n-th. */
function rankOf(seed: number): number {
  const share = fraction(seed);
  return Math.min(VOCABULARY, Math.floor(Math.exp(share * Math.log(VOCABULARY))));
}

/** A fraction that looks random and follows from the number alone. */
function fraction(seed: number): number {
  let x = (seed + 1) * 0x9e3779b1;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
