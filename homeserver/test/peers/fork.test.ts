import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Body, register, type TestUser } from "../support/user.ts";
import { createLink, type Link } from "./support/link.ts";
import { createNetwork, type Network } from "./support/network.ts";
import { freePorts } from "../support/ports.ts";
import { startWeft, type WeftProcess } from "./support/process.ts";
import { copyRoom } from "./support/room-copy.ts";
import { eventually } from "../support/wait.ts";

interface People {
  /** Made the room. */
  readonly alice: TestUser;
  /** A plain user of alice's server. */
  readonly anna: TestUser;
  /** Has level 100 and is on the other server. */
  readonly bob: TestUser;
  /** A plain user of bob's server. */
  readonly ben: TestUser;
}

interface Deed {
  readonly by: keyof People;
  /** What changes in the power levels, or who is banned. */
  readonly levels?: (people: People) => Body;
  readonly bans?: keyof People;
}

interface Story {
  readonly name: string;
  readonly version: string;
  /** In this order, the servers being cut off from one another. */
  readonly deeds: readonly Deed[];
  /** Whose power levels hold in the end. */
  readonly levelsBy: keyof People;
  readonly banned: readonly (keyof People)[];
}

const STORIES: readonly Story[] = [
  {
    // Power events are ordered by their senders' power, greatest first, before anything else counts. So the
    // creator's come first, though they are later; then bob is banned, and neither his levels nor his ban pass.
    name: "the creator's ban undoes what the banned moderator did meanwhile",
    version: "12",
    deeds: [
      { by: "bob", levels: () => ({ state_default: 75 }) },
      { by: "bob", bans: "anna" },
      { by: "alice", levels: ({ bob }) => ({ users: { [bob.userId]: 60 } }) },
      { by: "alice", bans: "bob" },
    ],
    levelsBy: "alice",
    banned: ["bob"],
  },
  {
    // The creator's levels come first and leave bob 60: too little for changing levels, enough for a ban.
    name: "a demoted moderator's levels fall, his ban of a plain user stands",
    version: "12",
    deeds: [
      { by: "bob", levels: () => ({ redact: 80 }) },
      { by: "bob", bans: "anna" },
      { by: "alice", levels: ({ bob }) => ({ users: { [bob.userId]: 60 } }) },
      { by: "alice", bans: "ben" },
    ],
    levelsBy: "alice",
    banned: ["anna", "ben"],
  },
  {
    // Before room version 12 a creator has a level like others: at 100 each, the earlier comes first. Everything
    // passes, and of the two power levels those that were applied last hold: the later ones.
    name: "between equals both bans stand, and the later power levels",
    version: "11",
    deeds: [
      { by: "alice", levels: () => ({ kick: 60 }) },
      { by: "alice", bans: "ben" },
      { by: "bob", levels: () => ({ redact: 70 }) },
      { by: "bob", bans: "anna" },
    ],
    levelsBy: "bob",
    banned: ["anna", "ben"],
  },
];

describe("two servers that were cut off from one another", { timeout: 120_000 }, () => {
  let network: Network;
  let links: Link[];
  let here: WeftProcess;
  let there: WeftProcess;
  let people: People;

  beforeAll(async () => {
    network = await createNetwork();
    const [hereName, herePort, thereName, therePort] = (await freePorts(4)) as [
      number,
      number,
      number,
      number,
    ];
    links = await Promise.all([createLink(hereName, herePort), createLink(thereName, therePort)]);
    [here, there] = await Promise.all([
      startWeft(network, { name: "here", namePort: hereName, securePort: herePort }),
      startWeft(network, { name: "there", namePort: thereName, securePort: therePort }),
    ]);
    const [alice, anna, bob, ben] = await Promise.all([
      register(here, "alice"),
      register(here, "anna"),
      register(there, "bob"),
      register(there, "ben"),
    ]);
    people = { alice, anna, bob, ben };
  }, 120_000);

  afterAll(async () => {
    await Promise.all([here?.stop(), there?.stop()]);
    await Promise.all(links?.map((link) => link.close()) ?? []);
    await network?.close();
  }, 180_000);

  async function makeRoom(version: string): Promise<string> {
    const { alice, bob } = people;
    // From room version 12 on, creators are not listed: theirs is more than every level.
    const users = version === "12" ? {} : { [alice.userId]: 100 };
    const { room_id: roomId } = await alice.call("POST", "/createRoom", {
      preset: "public_chat",
      room_version: version,
      power_level_content_override: { users: { ...users, [bob.userId]: 100 } },
    });
    for (const name of ["anna", "bob", "ben"] as const) {
      const path = `/join/${encodeURIComponent(roomId)}?via=${here.serverName}`;
      await people[name].call("POST", path, {});
    }
    await eventually("four members on both sides", async () => {
      const sides = await Promise.all([alice, bob].map((user) => joined(user, roomId)));
      return sides.every((members) => members.length === 4);
    });
    return roomId;
  }

  async function act(roomId: string, { by, levels, bans }: Deed): Promise<void> {
    const path = `/rooms/${encodeURIComponent(roomId)}`;
    if (bans) await people[by].call("POST", `${path}/ban`, { user_id: people[bans].userId });
    if (!levels) return;
    const before = await people[by].call("GET", `${path}/state/m.room.power_levels`);
    const change = levels(people);
    const users = { ...before.users, ...change.users };
    await people[by].call("PUT", `${path}/state/m.room.power_levels`, {
      ...before,
      ...change,
      users,
    });
  }

  for (const story of STORIES) {
    test(`room version ${story.version}: ${story.name}`, async () => {
      const roomId = await makeRoom(story.version);
      // Whoever is banned by nobody of the own side can still read there.
      const readers = [people.alice, story.banned.includes("bob") ? people.ben : people.bob];
      const copies = () => Promise.all(readers.map((reader) => copyRoom(reader.call, roomId)));

      links.forEach((link) => link.cut());
      for (const deed of story.deeds) await act(roomId, deed);
      const [own, other] = await copies();
      expect(own!.state).not.toEqual(other!.state);

      links.forEach((link) => link.restore());
      const last = await Promise.all(readers.map((reader) => reader.send(roomId, "hello again")));
      // What was accepted on the one side may be soft-failed on the other: the state is compared, not the events.
      await eventually(
        "the same state on both sides",
        async () => {
          const both = await copies();
          if (!both.every(({ events }) => last.every((eventId) => events.has(eventId))))
            return false;
          const [mine, theirs] = both.map(({ state }) => JSON.stringify([...state]));
          return mine === theirs;
        },
        { within: 60_000, every: 250 },
      );
      for (const reader of readers) {
        const state: Body[] = await reader.call(
          "GET",
          `/rooms/${encodeURIComponent(roomId)}/state`,
        );
        const levels = state.find(({ type }) => type === "m.room.power_levels");
        expect(levels.sender).toBe(people[story.levelsBy].userId);
        const banned = state.filter(({ content }) => content.membership === "ban");
        expect(banned.map(({ state_key }): string => state_key).sort()).toEqual(
          story.banned.map((name) => people[name].userId).sort(),
        );
      }
    });
  }
});

async function joined(user: TestUser, roomId: string): Promise<string[]> {
  const path = `/rooms/${encodeURIComponent(roomId)}/joined_members`;
  return Object.keys((await user.call("GET", path)).joined);
}
