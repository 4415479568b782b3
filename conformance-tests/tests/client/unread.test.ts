import { clause, clientApi } from "../../harness/clause.ts";
import { must, mustEqual } from "../../harness/must.ts";
import { isInvited, joinedRoom, syncOnce, syncUntil } from "../../harness/sync.ts";
import { roomOfTwo } from "../../harness/two-users.ts";

clause(
  clientApi("get_matrixclientv3sync"),
  "unread counts of a thread stand by themselves for who asks for them",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    const root = await alice.send(roomId, "the root");
    await bob.call("postReceipt", {
      path: { roomId, receiptType: "m.read", eventId: root },
      body: {},
    });
    await alice.send(roomId, {
      msgtype: "m.text",
      body: "in the thread",
      "m.relates_to": { rel_type: "m.thread", event_id: root },
    });
    await alice.send(roomId, "in the room");
    const filter = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } });
    const room = joinedRoom(
      await syncUntil(
        bob,
        "the thread's count",
        (body) =>
          joinedRoom(body, roomId)?.unread_thread_notifications?.[root]?.notification_count === 1,
        { query: { filter } },
      ),
      roomId,
    );
    mustEqual(room?.unread_notifications?.notification_count, 1, "the room's own count");
    const whole = joinedRoom(await syncOnce(bob), roomId);
    mustEqual(whole?.unread_notifications?.notification_count, 2, "the count without the filter");
  },
);

clause(
  clientApi("receiving-notifications"),
  "one's own message does not count, and an invitation does",
  async () => {
    const { alice, bob, roomId } = await roomOfTwo();
    await bob.send(roomId, "my own words");
    const own = joinedRoom(await syncOnce(bob), roomId);
    mustEqual(own?.unread_notifications?.notification_count ?? 0, 0, "count of one's own message");
    const other = await alice.createRoom({ invite: [bob.userId] });
    const body = await syncUntil(bob, "the invitation", isInvited(other));
    must(body.rooms?.invite?.[other]?.invite_state, "no invite_state");
  },
);
