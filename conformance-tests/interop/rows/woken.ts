import { arrives } from "../compare.ts";
import type { Lane } from "../lane.ts";

/** Each side says something, so that the other hears that it is back: a server that is heard of is tried at once. */
export async function woken({ alice, bob, roomId }: Lane): Promise<void> {
  const [hers, his] = [await alice.send(roomId, "back?"), await bob.send(roomId, "back!")];
  await arrives(bob, alice, roomId, hers);
  await arrives(alice, bob, roomId, his);
}
