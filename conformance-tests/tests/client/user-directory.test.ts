import { clause, clientApi, theSubject } from "../../harness/clause.ts";
import { unique } from "../../harness/client.ts";
import { eventually, must, mustEqual, mustFail } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

/** What is searched is indexed in the background. */
const PATIENCE_MS = 60_000;

type User = Awaited<ReturnType<typeof registerUser>>;

/** Letters alone: words of names are told apart by anything else. */
const word = () => unique("q").replaceAll(/[^a-z0-9]/gi, "x");

async function find(by: User, search_term: string, limit?: number) {
  const body = { search_term, ...(limit !== undefined && { limit }) };
  return by.call("searchUserDirectory", { body });
}
const finds = (by: User, term: string, userIds: readonly string[]) =>
  eventually(
    `${term} finds ${userIds.join()}`,
    async () => {
      const { results } = await find(by, term);
      const found = results.map(({ user_id }) => user_id).toSorted();
      return JSON.stringify(found) === JSON.stringify(userIds.toSorted()) ? true : undefined;
    },
    PATIENCE_MS,
  );

async function named(displayname: string): Promise<User> {
  const user = await registerUser(theSubject());
  const path = { userId: user.userId, keyName: "displayname" };
  await user.call("setProfileField", { path, body: { displayname } });
  return user;
}

clause(
  clientApi("post_matrixclientv3user_directorysearch"),
  "members of a public room are found by name and id, whatever the case",
  async () => {
    const [alice, name] = [await registerUser(theSubject()), word()];
    const bob = await named(`Bob ${name}`);
    await bob.createRoom({ preset: "public_chat" });
    await finds(alice, name.toUpperCase(), [bob.userId]);
    await finds(alice, bob.userId, [bob.userId]);
    const { results } = await find(alice, name);
    mustEqual(results[0]?.display_name, `Bob ${name}`, "display_name");
  },
  2 * PATIENCE_MS,
);

clause(
  clientApi("post_matrixclientv3user_directorysearch"),
  "members of a private room are found by those who share it, and by nobody else",
  async () => {
    const [alice, eve] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const name = word();
    const bob = await named(name);
    const roomId = await bob.createRoom({ preset: "private_chat", invite: [alice.userId] });
    await alice.call("joinRoomById", { path: { roomId }, body: {} });
    await finds(alice, name, [bob.userId]);
    mustEqual((await find(eve, name)).results, [], "what a stranger finds");
  },
  2 * PATIENCE_MS,
);

clause(
  clientApi("post_matrixclientv3user_directorysearch"),
  "no more are told of than is wanted, and that there are more",
  async () => {
    const [alice, name] = [await registerUser(theSubject()), word()];
    const users = [await named(`${name} a`), await named(`${name} b`)];
    for (const user of users) await user.createRoom({ preset: "public_chat" });
    await finds(
      alice,
      name,
      users.map(({ userId }) => userId),
    );
    const { results, limited } = await find(alice, name, 1);
    mustEqual([results.length, limited], [1, true], "results and limited");
    must(!(await find(alice, name)).limited, "all of them are told of");
  },
  2 * PATIENCE_MS,
);

clause(
  clientApi("get_matrixclientv1mutual_rooms"),
  "rooms in common are those that both are joined to",
  async () => {
    const [alice, bob] = [await registerUser(theSubject()), await registerUser(theSubject())];
    const ask = () => alice.call("getMutualRooms", { query: { user_id: bob.userId } });
    mustEqual((await ask()).joined, [], "before");
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    mustEqual((await ask()).joined, [], "while one is invited");
    await bob.call("joinRoomById", { path: { roomId }, body: {} });
    const { joined, count } = await ask();
    mustEqual([joined, count], [[roomId], 1], "once both are joined");
    const query = { user_id: alice.userId };
    await mustFail(alice.request("getMutualRooms", { query }), 400, "M_INVALID_PARAM");
  },
  2 * PATIENCE_MS,
);
