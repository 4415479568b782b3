/** Events of a peer, of which the server keeps some. */
import type { Pdu } from "../../harness/events.ts";
import { must } from "../../harness/must.ts";
import { say, textOf, toldUpToMarker } from "../../harness/scenes.ts";
import type { Shared } from "../../harness/scenes.ts";
import { syncToken } from "../../harness/sync.ts";
import { withPeer } from "../../harness/with-peer.ts";

export const here = withPeer();

/** Sends events that the rules forbid, then one that must arrive: clients may be told of the last only. */
export async function mustBeKept(scene: Shared, pdus: readonly Pdu[], what: string): Promise<void> {
  const { peer } = here;
  const since = await syncToken(scene.alice);
  const before = [...scene.room.newest];
  await peer.send(pdus);
  const seen = await toldUpToMarker(scene, since, async () => {
    const marker = say(scene.room, scene.mallory, "marker", before);
    await peer.sendGood(marker);
    return scene.room.idOf(marker);
  });
  for (const pdu of pdus) must(!seen.includes(scene.room.idOf(pdu)), `${what}: it was let through`);
}

export const message = (sender: string, body = "hello") => ({
  type: "m.room.message",
  sender,
  content: textOf(body),
});
