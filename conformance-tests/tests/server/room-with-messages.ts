/** A room of the server in which somebody has talked, and a peer. */
import { roomWithPeer, untilPeerHas } from "../../harness/scenes.ts";
import { withPeer } from "../../harness/with-peer.ts";

export const here = withPeer();

/** A room that the peer is in, with ten messages that came after its join. */
export async function roomWithMessages(options = {}) {
  const { peer } = here;
  const scene = await roomWithPeer(peer, options);
  const ids: string[] = [];
  for (let i = 0; i < 10; i++) ids.push(await scene.alice.send(scene.roomId, `number ${i}`));
  await untilPeerHas(peer, scene.room, ids.at(-1) ?? "");
  return { ...scene, ids };
}
