/** Ends of knocks that this server forwarded for users of servers that are not in the room. */
import type { RoomEvent } from "../../protocol/events/event.ts";
import { isUserId, serverOf } from "../../protocol/identifiers.ts";
import { wasForwarded } from "../../storage/federation/outbound.ts";
import type { StateRoot } from "../api/index.ts";
import type { RoomCommand } from "../commands/room-command.ts";

/**
 * Whether another server ends the knock of a user of a third server that knocked through this one:
 * that server accepts the end only from us.
 */
export async function endsKnockSentByUs(
  command: RoomCommand,
  { type, stateKey, sender, content }: RoomEvent,
  before: StateRoot,
): Promise<boolean> {
  const isEnd = content.membership === "leave" || content.membership === "ban";
  if (type !== "m.room.member" || !isEnd || !isUserId(stateKey)) return false;
  const [ofTarget, ofSender] = [serverOf(stateKey), serverOf(sender)];
  if (ofTarget === ofSender || [ofTarget, ofSender].some((name) => name === command.serverName)) {
    return false;
  }
  const [member] = (await command.store.state.events(before, [[type, stateKey]])).values();
  if (member?.event.content.membership !== "knock") return false;
  return wasForwarded(command.store.sql, member.nid);
}
