import type { Content, JoinedRoomSync, MatrixEvent } from "../../src/api/types.ts";

/** Events for tests: ids and times count up, so that every run is the same. */
export function createEvents(start = Date.UTC(2026, 0, 5, 12), ids = "$") {
  let count = 0;

  function event(
    type: string,
    sender: string,
    content: Content,
    more: Partial<MatrixEvent> = {},
  ): MatrixEvent {
    count++;
    return {
      event_id: `${ids}${count}`,
      type,
      sender,
      origin_server_ts: start + count * 1000,
      content,
      ...more,
    };
  }

  return {
    event,
    message: (sender: string, body: string, more: Partial<MatrixEvent> = {}) =>
      event("m.room.message", sender, { msgtype: "m.text", body }, more),
    state: (type: string, sender: string, content: Content, stateKey = "") =>
      event(type, sender, content, { state_key: stateKey }),
    member: (userId: string, membership = "join", displayname?: string) =>
      event(
        "m.room.member",
        userId,
        displayname === undefined ? { membership } : { membership, displayname },
        { state_key: userId },
      ),
    reaction: (sender: string, target: string, key: string) =>
      event("m.reaction", sender, {
        "m.relates_to": { rel_type: "m.annotation", event_id: target, key },
      }),
    edit: (sender: string, target: string, body: string) =>
      event("m.room.message", sender, {
        msgtype: "m.text",
        body: `* ${body}`,
        "m.new_content": { msgtype: "m.text", body },
        "m.relates_to": { rel_type: "m.replace", event_id: target },
      }),
    redaction: (sender: string, target: string) =>
      event("m.room.redaction", sender, { redacts: target }, { redacts: target }),
  };
}

/** A `/sync` response in which one joined room has news. */
export function syncOf(roomId: string, room: JoinedRoomSync, more: object = {}) {
  return { next_batch: "s1", rooms: { join: { [roomId]: room } }, ...more };
}
