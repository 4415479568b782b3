import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { eventually, must, mustEqual, mustFail } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

/** What is searched is indexed in the background. */
const PATIENCE_MS = 60_000;

type User = Awaited<ReturnType<typeof registerUser>>;

/** Letters alone, so that it is one word everywhere. */
const word = () => unique("w").replaceAll(/[^a-z0-9]/gi, "x");

async function search(by: User, search_term: string, more: object = {}, next_batch?: string) {
  const answer = await by.call("search", {
    body: { search_categories: { room_events: { search_term, order_by: "recent", ...more } } },
    ...(next_batch !== undefined && { query: { next_batch } }),
  });
  return answer.search_categories.room_events!;
}

async function texts(by: User, term: string, more: object = {}) {
  const { results } = await search(by, term, more);
  return results.map(({ result }) => (result.content as { body?: string }).body);
}

const finds = (by: User, term: string, wanted: string[]) =>
  eventually(
    `${term} finds ${wanted.join()}`,
    async () => {
      const found = await texts(by, term);
      return JSON.stringify(found) === JSON.stringify(wanted);
    },
    PATIENCE_MS,
  );

clause(
  clientApi("post_matrixclientv3search"),
  "members of a room find what is said in it, and nobody else does",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const [roomId, term] = [await alice.createRoom(), word()];
    await alice.send(roomId, `one ${term}`);
    await alice.send(roomId, `two ${term} more`);
    await finds(alice, term, [`two ${term} more`, `one ${term}`]);
    await finds(alice, `more ${term}`, [`two ${term} more`]);
    mustEqual(await texts(bob, term), [], "what a stranger finds");
  },
  2 * PATIENCE_MS,
);

clause(
  clientApi("post_matrixclientv3search"),
  "who has left a room finds nothing that was said later",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const [roomId, term] = [await alice.createRoom({ preset: "public_chat" }), word()];
    await bob.call("joinRoomById", { path: { roomId }, body: {} });
    await alice.send(roomId, `before ${term}`);
    await bob.call("leaveRoom", { path: { roomId }, body: {} });
    await alice.send(roomId, `after ${term}`);
    await finds(alice, term, [`after ${term}`, `before ${term}`]);
    await finds(bob, term, [`before ${term}`]);
  },
  2 * PATIENCE_MS,
);

clause(clientApi("post_matrixclientv3search"), "what is redacted is found no more", async () => {
  const alice = await registerUser(theSubject());
  const [roomId, term] = [await alice.createRoom(), word()];
  const eventId = await alice.send(roomId, term);
  await finds(alice, term, [term]);
  const path = { roomId, eventId, txnId: unique("t") };
  await alice.call("redactEvent", { path, body: {} });
  await finds(alice, term, []);
});

clause(
  clientApi("pagination-2"),
  "results come in pages, of all and of a group, each result once",
  async () => {
    const alice = await registerUser(theSubject());
    const [roomId, term] = [await alice.createRoom(), word()];
    for (let n = 0; n < 5; n += 1) await alice.send(roomId, `${term} ${n}`);
    await finds(
      alice,
      term,
      [4, 3, 2, 1, 0].map((n) => `${term} ${n}`),
    );
    const more = { filter: { limit: 2 }, groupings: { group_by: [{ key: "room_id" }] } };
    const first = await search(alice, term, more);
    const group = first.groups?.["room_id"]?.[roomId];
    must(group !== undefined, "the group of the room is there");
    mustEqual(
      group.results,
      first.results.map(({ result }) => result.event_id),
      "the group's results",
    );
    for (let token of [first.next_batch, group.next_batch]) {
      const found = first.results.map(({ result }) => result.event_id);
      for (let pages = 0; token !== undefined && pages < 10; pages += 1) {
        const page = await search(alice, term, more, token);
        found.push(...page.results.map(({ result }) => result.event_id));
        token = page.next_batch;
      }
      mustEqual(new Set(found).size, found.length, "results that came once");
      mustEqual(found.length, 5, "results in all");
    }
  },
  2 * PATIENCE_MS,
);

clause(
  clientApi("post_matrixclientv3search"),
  "what stands around a result comes along where it is wanted",
  async () => {
    const alice = await registerUser(theSubject());
    const [roomId, term] = [await alice.createRoom(), word()];
    for (const text of ["a", "b", term, "d", "e"]) await alice.send(roomId, text);
    await finds(alice, term, [term]);
    const event_context = { before_limit: 1, after_limit: 1, include_profile: true };
    const { results } = await search(alice, term, { event_context, include_state: true });
    const { context } = results[0]!;
    const bodies = (events: readonly { content: unknown }[] = []) =>
      events.map(({ content }) => (content as { body?: string }).body);
    mustEqual(bodies(context?.events_before), ["b"], "events before");
    mustEqual(bodies(context?.events_after), ["d"], "events after");
    must(context?.profile_info?.[alice.userId] !== undefined, "the sender's profile is there");
    const body = { search_categories: { room_events: { search_term: term, order_by: "recent" } } };
    await mustFail(
      alice.request("search", { body: body as never, query: { next_batch: "none of yours" } }),
      400,
    );
  },
  2 * PATIENCE_MS,
);
