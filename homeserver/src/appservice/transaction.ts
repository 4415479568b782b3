/** Bodies of transactions. (Application service API, "Pushing events"; MSC2409, 3202, 4203.) */
import type { DeviceOfUser, Piece } from "./pieces.ts";

interface KeyCounts {
  readonly oneTimeKeys: Readonly<Record<string, number>>;
  readonly unusedFallbackTypes: readonly string[];
}

export interface BuildDeps {
  /** Names of the member with ephemeral events. */
  readonly ephemeralKeys: readonly string[];
  readonly wantsDevices: boolean;
  counts(device: DeviceOfUser): Promise<KeyCounts>;
}

/** The first of some pieces, as the body of one transaction. */
interface Built {
  /** JSON object text. */
  readonly body: string;
  readonly count: number;
  readonly devices: readonly (DeviceOfUser & { readonly position: number })[];
}

/** Pieces of one transaction: no more, so that a service need not take very much at once. */
const MAX_PIECES = 100;
/** Length of a transaction's texts: common frameworks take bodies of a mebibyte. */
const MAX_LENGTH = 900_000;

/** As many of the pieces as fit into one transaction, at least one. */
export async function buildTransaction(pieces: readonly Piece[], deps: BuildDeps): Promise<Built> {
  const taken = pieces.slice(0, fitting(pieces));
  const texts = (section: Piece["section"]) =>
    taken.flatMap((piece) => (piece.section === section && "text" in piece ? [piece.text] : []));
  const members = [`"events":${list(texts("events"))}`];
  const ephemeral = texts("ephemeral");
  if (ephemeral.length > 0) {
    for (const key of deps.ephemeralKeys) members.push(`"${key}":${list(ephemeral)}`);
  }
  const messages = texts("to_device");
  if (messages.length > 0) members.push(`"de.sorunome.msc2409.to_device":${list(messages)}`);
  if (deps.wantsDevices) members.push(...(await deviceMembers(taken, deps)));
  const devices = taken.flatMap((piece) =>
    piece.section === "to_device" ? [{ ...piece.device, position: piece.position }] : [],
  );
  return { body: `{${members.join(",")}}`, count: taken.length, devices };
}

/** What belongs to one position is told at once: where one transaction ends is a position. */
function fitting(pieces: readonly Piece[]): number {
  let [length, count] = [0, 0];
  for (const [index, piece] of pieces.entries()) {
    if (index > 0 && piece.position !== pieces[index - 1]!.position) count = index;
    length += "text" in piece ? piece.text.length : 300;
    const isFull = index >= MAX_PIECES || length > MAX_LENGTH;
    if (isFull && count > 0) return count;
  }
  return pieces.length;
}

/** Changes of device lists, and how many keys the service's devices have left. (MSC3202.) */
async function deviceMembers(taken: readonly Piece[], deps: BuildDeps): Promise<string[]> {
  const members: string[] = [];
  const lists = new Map<string, "changed" | "left">();
  for (const piece of taken) {
    if (piece.section === "changed" || piece.section === "left")
      lists.set(piece.userId, piece.section);
  }
  if (lists.size > 0) {
    const those = (what: string) =>
      [...lists].flatMap(([user, how]) => (how === what ? [user] : []));
    const value = { changed: those("changed"), left: those("left") };
    members.push(`"org.matrix.msc3202.device_lists":${JSON.stringify(value)}`);
  }
  const devices = taken.flatMap((piece) => ("device" in piece ? [piece.device] : []));
  if (devices.length === 0) return members;
  const counts: Record<string, Record<string, object>> = {};
  const unused: Record<string, Record<string, readonly string[]>> = {};
  for (const { userId, deviceId } of devices) {
    const { oneTimeKeys, unusedFallbackTypes } = await deps.counts({ userId, deviceId });
    (counts[userId] ??= {})[deviceId] = { signed_curve25519: 0, ...oneTimeKeys };
    (unused[userId] ??= {})[deviceId] = unusedFallbackTypes;
  }
  const text = JSON.stringify(counts);
  // The first name is the proposal's, the second that of services written for Synapse.
  members.push(`"org.matrix.msc3202.device_one_time_keys_count":${text}`);
  members.push(`"org.matrix.msc3202.device_one_time_key_counts":${text}`);
  members.push(`"org.matrix.msc3202.device_unused_fallback_key_types":${JSON.stringify(unused)}`);
  return members;
}

function list(texts: readonly string[]): string {
  return `[${texts.join(",")}]`;
}
