import type { Answer, Api } from "../matrix/api.ts";
import type { User } from "../matrix/users.ts";

/** A user who syncs: where they are, and by which stored filter. */
export interface Member {
  readonly user: User;
  readonly authorization: string;
  readonly filterId: string;
  since: string;
}

/** As usual clients filter: lazy members (and room for a burst). */
const FILTER = { room: { timeline: { limit: 100 }, state: { lazy_load_members: true } } };

/** Stores the filter and does the initial sync. */
export async function firstSync(api: Api, user: User): Promise<Member> {
  const { filter_id: filterId } = await api.call({
    method: "POST",
    path: `/_matrix/client/v3/user/${encodeURIComponent(user.userId)}/filter`,
    token: user.token,
    body: FILTER,
  });
  const path = `/_matrix/client/v3/sync?filter=${filterId}&timeout=0`;
  const answer: Answer = await api.call({ path, token: user.token });
  const authorization = `Bearer ${user.token}`;
  return { user, authorization, filterId, since: answer.next_batch };
}

export function syncPath({ filterId, since }: Member, timeoutMs: number): string {
  return `/_matrix/client/v3/sync?filter=${filterId}&timeout=${timeoutMs}&since=${encodeURIComponent(since)}`;
}
