/** Who is notified of a record of the log, and how. */
import type { EventRecord, MembershipRecord } from "../log/types.ts";
import { NO_CONTEXT } from "../notifications/notified.ts";
import { contextInThread, type FollowedThreads } from "../notifications/followed-threads.ts";
import type { PushContexts } from "../notifications/push-context.ts";
import { createYielder } from "../platform/yielder.ts";
import type { ServerName, UserId } from "../protocol/identifiers.ts";
import { serverOf } from "../protocol/identifiers.ts";
import { type CompiledRules, evaluate } from "../protocol/push/push-rules.ts";
import type { RoomEvent } from "../protocol/events/event.ts";
import type { Room, RoomView } from "../rooms/api/index.ts";
import type { InvitePermissions } from "../users/data/invite-permissions.ts";
import type { Audiences } from "./audience.ts";
import type { PusherStates } from "./pusher-states.ts";
import type { Item } from "./types.ts";

export interface EvaluationDeps {
  readonly view: RoomView;
  readonly serverName: ServerName;
  readonly audiences: Audiences;
  readonly states: PusherStates;
  readonly contexts: PushContexts;
  readonly followedThreads: Pick<FollowedThreads, "followers">;
  readonly rulesOf: (userIds: readonly UserId[]) => Promise<Map<UserId, CompiledRules>>;
  readonly inviteVerdict: InvitePermissions["verdict"];
  readonly ignores: {
    of(userId: UserId): Promise<ReadonlySet<string>>;
    peek(userId: UserId): ReadonlySet<string> | undefined;
  };
}

export interface Evaluation {
  /** Those in the room whom an event notifies; call it in the order of the log. */
  event(record: EventRecord): Promise<Item[]>;
  /** Those whom a record invites. */
  invites(record: EventRecord | MembershipRecord): Promise<Item[]>;
}

/** How long rules are evaluated before other work gets a chance. */
const BURST_MS = 2;

export function createEvaluation(deps: EvaluationDeps): Evaluation {
  const { view, serverName, audiences, states, contexts } = deps;

  /** Those whom the sender may reach. */
  async function notIgnoring(sender: string, userIds: readonly UserId[]): Promise<UserId[]> {
    const missing = userIds.filter((userId) => deps.ignores.peek(userId) === undefined);
    const read = new Map(
      await Promise.all(
        missing.map(async (userId) => [userId, await deps.ignores.of(userId)] as const),
      ),
    );
    return userIds.filter((userId) => {
      const ignored = deps.ignores.peek(userId) ?? read.get(userId);
      return ignored?.has(sender) !== true;
    });
  }

  async function withPushers(userIds: readonly UserId[]): Promise<UserId[]> {
    const pushers = await states.of(userIds);
    return userIds.filter((userId) => (pushers.get(userId)?.length ?? 0) > 0);
  }

  async function audienceOf(record: EventRecord): Promise<UserId[]> {
    const { event, roomNid, position } = record;
    const users = await audiences.of(roomNid);
    const there = [...users].flatMap(([userId, joinedAt]) =>
      userId !== event.sender && joinedAt < position ? [userId] : [],
    );
    if (there.length === 0) return there;
    return notIgnoring(event.sender, await withPushers(there));
  }

  async function roomOf(roomNid: number): Promise<Room | undefined> {
    return (await view.rooms([roomNid])).get(roomNid);
  }

  async function invited(room: Room, userId: UserId, event: RoomEvent, about: Place) {
    const rules = (await deps.rulesOf([userId])).get(userId) ?? [];
    const outcome = evaluate(rules, event, NO_CONTEXT);
    return outcome.notify ? [{ userId, room, ...about, isInvite: true, outcome }] : [];
  }

  return {
    async event(record) {
      await audiences.take(record);
      const { event, roomNid, eventNid, position, status, redactedBy } = record;
      if (status !== "accepted" || redactedBy !== null) return [];
      const userIds = await audienceOf(record);
      const room = userIds.length === 0 ? undefined : await roomOf(roomNid);
      if (room === undefined) return [];
      const [rules, contextsOf] = await Promise.all([
        deps.rulesOf(userIds),
        contexts.ofUsers(room, userIds, record.stateRoot),
      ]);
      const isRelated = event.content["m.relates_to"] !== undefined;
      const followers = await deps.followedThreads.followers(
        { nid: eventNid, roomNid, isRelated },
        rules,
      );
      const yielder = createYielder(BURST_MS);
      const items: Item[] = [];
      for (const userId of userIds) {
        const context = contextInThread(
          contextsOf.get(userId)!(event.sender),
          followers?.has(userId),
        );
        const outcome = evaluate(rules.get(userId) ?? [], event, context);
        if (outcome.notify) {
          items.push({ userId, room, eventNid, position, isInvite: false, outcome });
        }
        await yielder.pauseIfDue();
      }
      return items;
    },

    async invites(record) {
      const changes = record.kind === "event" ? record.memberships : [record];
      const items: Item[] = [];
      for (const { userId: id, membership, roomNid, eventNid } of changes) {
        const userId = id as UserId;
        if (membership !== "invite" || serverOf(userId) !== serverName) continue;
        const stored = (await view.events([eventNid])).get(eventNid);
        const room = await roomOf(roomNid);
        if (stored === undefined || room === undefined) continue;
        const those = await notIgnoring(stored.event.sender, await withPushers([userId]));
        if (those.length === 0) continue;
        const { sender } = stored.event;
        if ((await deps.inviteVerdict(userId, sender)) !== "allow") continue;
        const about = { eventNid, position: record.position };
        items.push(...(await invited(room, userId, stored.event, about)));
      }
      return items;
    },
  };
}

type Place = Pick<Item, "eventNid" | "position">;
