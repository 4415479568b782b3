import { clause, clientApi } from "../../harness/clause.ts";
import { must, mustMatch } from "../../harness/must.ts";
import { isMember, syncToken, syncUntil, timelineOf } from "../../harness/sync.ts";
import { roomOfTwo } from "../../harness/two-users.ts";
import { setMember } from "../../harness/room-state.ts";
import { deactivate } from "../../harness/users.ts";

clause(
  clientApi("room-membership"),
  "a name for one room only can be set in the member event",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await setMember(bob, roomId, bob.userId, { membership: "join", displayname: "Robert" });
    mustMatch(
      await alice.getState(roomId, "m.room.member", bob.userId),
      { displayname: "Robert" },
      "member",
    );
    const profile = (await alice.call("getUserProfile", { path: { userId: bob.userId } })) as {
      displayname?: string;
    };
    must(profile.displayname !== "Robert", "the profile has changed too");
  },
);

clause(
  clientApi("post_matrixclientv3accountdeactivate"),
  "who deactivates their account leaves their rooms",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const since = await syncToken(alice);
    await deactivate(bob);
    await syncUntil(alice, "bob's leave", isMember(roomId, bob.userId, "leave"), { since });
  },
);

clause(clientApi("profiles"), "a new name is told in every room that the user is in", async () => {
  const { alice, bob, roomId } = await roomOfTwo();
  const second = await alice.createRoom({ preset: "public_chat" });
  await bob.join(second);
  const since = await syncToken(alice);
  await bob.call("setProfileField", {
    path: { userId: bob.userId, keyName: "displayname" },
    body: { displayname: "Bobby" },
  });
  const seen = new Set<string>();
  await syncUntil(
    alice,
    "the new name in both rooms",
    (body) => {
      for (const room of [roomId, second]) {
        const events = timelineOf(body, room);
        if (events.some((event) => event.content["displayname"] === "Bobby")) seen.add(room);
      }
      return seen.size === 2;
    },
    { since },
  );
});
