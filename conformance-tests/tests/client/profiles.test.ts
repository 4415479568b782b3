import { clause, theSubject, clientApi } from "../../harness/clause.ts";
import { createClient, unique } from "../../harness/client.ts";
import { mustBe403, mustBe404, mustEqual, mustMatch } from "../../harness/must.ts";
import { registerUser } from "../../harness/users.ts";

clause(
  clientApi("profiles"),
  "a profile can be set, read by anybody, and shows in rooms",
  async () => {
    const alice = await registerUser(theSubject(), "alice");
    const path = { userId: alice.userId, keyName: "displayname" } as const;
    const roomId = await alice.createRoom();
    await alice.call("setProfileField", { path, body: { displayname: "Alice Ω" } });
    const avatar = "mxc://example.org/picture";
    await alice.call("setProfileField", {
      path: { userId: alice.userId, keyName: "avatar_url" },
      body: { avatar_url: avatar },
    });
    const bob = await registerUser(theSubject(), "bob");
    const profile = { displayname: "Alice Ω", avatar_url: avatar };
    mustMatch(
      await bob.call("getUserProfile", { path: { userId: alice.userId } }),
      profile,
      "profile",
    );
    mustEqual(await bob.call("getProfileField", { path }), { displayname: "Alice Ω" }, "one field");
    mustMatch(
      await alice.getState(roomId, "m.room.member", alice.userId),
      profile,
      "the member event",
    );
    await mustBe403(bob.request("setProfileField", { path, body: { displayname: "not Alice" } }));
  },
);

clause(clientApi("profiles"), "a user who is not there has no profile", async () => {
  const client = createClient(theSubject());
  const userId = `@${unique("nobody")}:${theSubject().serverName}`;
  await mustBe404(client.request("getUserProfile", { path: { userId } }));
});

clause(
  clientApi("put_matrixclientv3profileuseridkeyname"),
  "fields of one's own can be added to a profile and removed",
  async () => {
    const alice = await registerUser(theSubject());
    const path = { userId: alice.userId, keyName: "org.example.pronouns" };
    await alice.call("setProfileField", { path, body: { "org.example.pronouns": ["she"] } });
    mustEqual(
      await alice.call("getProfileField", { path }),
      { "org.example.pronouns": ["she"] },
      "the field",
    );
    await alice.call("deleteProfileField", { path });
    await mustBe404(alice.request("getProfileField", { path }));
  },
);
