/** What happens to sticky events when memberships change, from a durable cursor. */
import type { FollowerOptions } from "./log/follow.ts";
import type { Rooms } from "./rooms/index.ts";

export function stickyEvents({ sticky }: Rooms): FollowerOptions<"event" | "membership"> {
  return {
    name: "sticky-events",
    kinds: ["event", "membership"],
    from: "end",
    async handle(records) {
      const changes = records.flatMap((record) =>
        (record.kind === "event" ? record.memberships : [record]).map(({ roomNid, userId }) => ({
          ...{ roomNid, userId, position: record.position },
        })),
      );
      await sticky.membersChanged(changes);
    },
  };
}
