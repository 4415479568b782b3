import type { EduOutlet, OutgoingEdu } from "../edus/types.ts";
import type { Clock } from "../platform/clock.ts";
import type { Sender } from "./types.ts";

/** Sends the EDUs of local users. */
export function createEduOutlet(
  sender: Pick<Sender, "eduTo" | "eduToRoom">,
  clock: Clock,
): EduOutlet {
  const outgoing = ({ key, type, content, lifeMs }: OutgoingEdu) => ({
    key,
    edu: { edu_type: type, content },
    staleAt: clock.now() + lifeMs,
  });
  return {
    toRoom: (roomId, edu) => sender.eduToRoom(roomId, outgoing(edu)),
    toServers: (servers, edu) => sender.eduTo(servers, outgoing(edu)),
  };
}
