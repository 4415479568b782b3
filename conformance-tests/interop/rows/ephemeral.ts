import { eventually, must, mustEqual, mustMatch } from "../../harness/must.ts";
import { ephemeralOf, syncToken, syncUntil } from "../../harness/sync.ts";
import type { User } from "../../harness/users.ts";
import { arrives, stateBecomes } from "../compare.ts";
import { bothWays } from "../lane.ts";
import type { Row } from "../row.ts";

/** What is not of the room's history. */
export const ephemeral: readonly Row[] = [
  {
    name: "typing",
    run: (lane) =>
      bothWays(lane, async (from, to, { roomId }) => {
        const since = await syncToken(to);
        const path = { roomId, userId: from.userId };
        await from.call("setTyping", { path, body: { typing: true, timeout: 20_000 } });
        const isTyping = (is: boolean) => (body: Parameters<typeof ephemeralOf>[0]) =>
          ephemeralOf(body, roomId).some(
            (event) =>
              event.type === "m.typing" &&
              (event.content["user_ids"] as string[]).includes(from.userId) === is,
          );
        const seen = await syncUntil(to, "typing", isTyping(true), { since });
        await from.call("setTyping", { path, body: { typing: false } });
        await syncUntil(to, "typing no more", isTyping(false), { since: seen.next_batch });
      }),
  },
  {
    name: "receipts",
    run: (lane) =>
      bothWays(lane, async (from, to, { roomId }) => {
        const eventId = await to.send(roomId, "to be read");
        await arrives(from, to, roomId, eventId);
        const path = { roomId, receiptType: "m.read" as const, eventId };
        await from.call("postReceipt", { path, body: {} });
        await syncUntil(to, "the receipt", (body) =>
          ephemeralOf(body, roomId).some((event) => {
            const content = event.content as Record<string, Record<string, object>>;
            return (
              event.type === "m.receipt" && from.userId in (content[eventId]?.["m.read"] ?? {})
            );
          }),
        );
      }),
  },
  {
    name: "presence",
    run: (lane) =>
      bothWays(lane, async (from, to) => {
        const text = `here since ${Date.now()}`;
        const path = { userId: from.userId };
        await from.call("setPresence", { path, body: { presence: "online", status_msg: text } });
        await syncUntil(to, "presence", (body) =>
          (body.presence?.events ?? []).some(
            (event) =>
              event.sender === from.userId &&
              (event.content as { status_msg?: string }).status_msg === text,
          ),
        );
      }),
  },
  {
    name: "profile",
    run: (lane) =>
      bothWays(lane, async (from, to, { roomId }) => {
        const displayname = `Known as ${Date.now()}`;
        const path = { userId: from.userId, keyName: "displayname" };
        await from.call("setProfileField", { path, body: { displayname } });
        await stateBecomes(
          to,
          roomId,
          "m.room.member",
          from.userId,
          (content) => content["displayname"] === displayname,
        );
        await eventually("the profile that is asked for", async () => {
          const profile = await to.call("getUserProfile", { path: { userId: from.userId } });
          return profile.displayname === displayname;
        });
        const nobody = `@nobody:${from.subject.serverName}`;
        const none = await to.request("getUserProfile", { path: { userId: nobody } });
        mustEqual(none.status, 404, "the status for a profile of nobody");
      }),
  },
  {
    name: "public rooms",
    async run({ alice, bob, near, roomId, version }) {
      const visible = { visibility: "public" as const };
      await alice.call("setRoomVisibilityOnDirectory", { path: { roomId }, body: visible });
      const server = near.subject.serverName;
      const find = async (user: User) => {
        const answer = await user.call("queryPublicRooms", {
          query: { server },
          body: { limit: 500, filter: { generic_search_term: `Version ${version}` } },
        });
        return answer.chunk.find((room) => room.room_id === roomId);
      };
      const [hers, his] = [await find(alice), await find(bob)];
      must(his !== undefined, "bob does not find the room");
      mustMatch(
        { name: his.name, topic: his.topic, join_rule: his.join_rule },
        { name: hers?.name, topic: hers?.topic, join_rule: hers?.join_rule },
        "what the directory says",
      );
    },
  },
  {
    name: "media",
    run: (lane) =>
      bothWays(lane, async (from, to) => {
        const { content_uri } = await from.call("uploadContent", {
          query: { filename: "dot.png" },
          raw: PNG,
          headers: { "content-type": "image/png" },
        });
        const [, , serverName = "", mediaId = ""] = content_uri.split("/");
        const path = { serverName, mediaId };
        const whole = await to.request("getContentAuthed", { path });
        mustEqual(whole.status, 200, "the status of the download");
        must(PNG.equals(whole.bytes), "the download has other bytes");
        mustEqual(whole.headers["content-type"], "image/png", "its type");
        const small = await to.request("getContentThumbnailAuthed", {
          path,
          query: { width: 32, height: 32, method: "scale" },
        });
        mustEqual(small.status, 200, "the status of the thumbnail");
        must(
          (small.headers["content-type"] ?? "").startsWith("image/"),
          "the thumbnail is no image",
        );
      }),
  },
];

/** A picture of one point. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
