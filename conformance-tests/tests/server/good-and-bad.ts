/** A peer that sends bad PDUs, and a good one after them. */
import { say, textOf } from "../../harness/scenes.ts";
import type { Shared } from "../../harness/scenes.ts";
import { withPeer } from "../../harness/with-peer.ts";

export const here = withPeer();

/** Sends a good message of mallory's after others, which must be let through whatever came before it. */
export const marker = (scene: Shared, after?: readonly string[]) => async () => {
  const pdu = say(scene.room, scene.mallory, "marker", after);
  await here.peer.sendGood(pdu);
  return scene.room.idOf(pdu);
};

export const message = (sender: string, body: string) => ({
  type: "m.room.message",
  sender,
  content: textOf(body),
});
