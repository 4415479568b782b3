import type { Ephemeral } from "../../cluster/ephemeral.ts";
import type { Clock } from "../../platform/clock.ts";
import type { PresenceEntry } from "../../edus/presence.ts";
import type { UserId } from "../../protocol/identifiers.ts";
import type { EphemeralChange } from "../users/ephemeral-changes.ts";
import type { RoomId } from "../../protocol/identifiers.ts";
import type { PresenceState } from "./presence-section.ts";

/** Typing and presence, which are not in the log. */
export interface EphemeralSource {
  /** Serial of the newest change. */
  readonly serial: number;
  typing(roomId: RoomId): { users: readonly UserId[]; serial: number };
  presenceSince(serial: number): PresenceState[];
  presence(userId: UserId): PresenceState | undefined;
  onChange(listener: (change: EphemeralChange) => void): () => void;
}

/** What sync shows of what the server's replicas share in memory. */
export function createEphemeralSource(ephemeral: Ephemeral, clock: Clock): EphemeralSource {
  const shown = ({ lastActiveTs, ...entry }: PresenceEntry): PresenceState => ({
    ...entry,
    lastActiveAgo: Math.max(0, clock.now() - lastActiveTs),
  });
  return {
    get serial() {
      return ephemeral.serial;
    },
    typing: ephemeral.typing,
    onChange: ephemeral.onChange,
    presenceSince: (serial) => ephemeral.presenceSince(serial).map(shown),
    presence(userId) {
      const entry = ephemeral.presence(userId);
      return entry && shown(entry);
    },
  };
}
