import type { EduOutlet } from "../edus/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Sender } from "./types.ts";

/** What the EDUs of this server's users go out by. */
export function createEduOutlet(
  sender: Pick<Sender, "eduTo" | "eduToRoom">,
  clock: Clock,
): EduOutlet {
  return {
    toRoom: (roomId, { key, type, content, lifeMs }) =>
      sender.eduToRoom(roomId, {
        key,
        edu: { edu_type: type, content },
        staleAt: clock.now() + lifeMs,
      }),
    toServers: (servers, { key, type, content, lifeMs }) =>
      sender.eduTo(servers, {
        key,
        edu: { edu_type: type, content },
        staleAt: clock.now() + lifeMs,
      }),
  };
}
