import { roomVersion, roomVersions } from "../harness/room-versions.ts";
import { registerUser } from "../harness/users.ts";
import type { User } from "../harness/users.ts";
import type { Servers, Side, SideName } from "./servers.ts";

/** One column of the table: a room version, and who creates its rooms. */
export interface Lane {
  readonly version: string;
  /** The version's number, for what exists from some version on. */
  readonly number: number;
  readonly creator: SideName;
  readonly near: Side;
  readonly far: Side;
  /** Users of the creating server. */
  readonly alice: User;
  readonly dave: User;
  /** Users of the other. */
  readonly bob: User;
  readonly carol: User;
  readonly erin: User;
  /** The room of alice and bob that most rows use; set by the first row. */
  roomId: string;
  /** What a row leaves for a later step of its own. */
  readonly notes: Map<string, string>;
}

export const ROOM_VERSIONS = roomVersions.map(({ id }) => id);

export async function openLane(
  servers: Servers,
  version: string,
  creator: SideName,
): Promise<Lane> {
  const [near, far] =
    creator === "weft" ? [servers.weft, servers.synapse] : [servers.synapse, servers.weft];
  const [alice, dave, bob, carol, erin] = await Promise.all([
    registerUser(near.subject, "alice"),
    registerUser(near.subject, "dave"),
    registerUser(far.subject, "bob"),
    registerUser(far.subject, "carol"),
    registerUser(far.subject, "erin"),
  ]);
  return {
    version: roomVersion(version).id,
    number: Number(version),
    creator,
    near,
    far,
    alice,
    dave,
    bob,
    carol,
    erin,
    roomId: "",
    notes: new Map(),
  };
}

/** What tells a lane in the table: "v10 weft". */
export const titleOf = (lane: Pick<Lane, "version" | "creator">) =>
  `v${lane.version} ${lane.creator}`;

/** Once from alice to bob, once from bob to alice. */
export async function bothWays(
  lane: Lane,
  work: (from: User, to: User, lane: Lane) => Promise<void>,
): Promise<void> {
  await work(lane.alice, lane.bob, lane);
  await work(lane.bob, lane.alice, lane);
}
