import type { Log } from "../log/types.ts";
import type { RoomEvent } from "../protocol/events/event.ts";
import { type Glob, glob, newBudget } from "../protocol/glob.ts";
import {
  isUserId,
  type RoomId,
  serverOf,
  type ServerName,
  type UserId,
} from "../protocol/identifiers.ts";
import { createSingleFlight } from "../platform/single-flight.ts";
import type { RoomView } from "../rooms/api/index.ts";

/** Judges events by policy lists: rooms whose state names users, servers and rooms. */
export interface PolicyRules {
  /** Why an event is not recommended; undefined: it is. (Client-server API, "Moderation policy lists".) */
  refusal(event: RoomEvent): Promise<string | undefined>;
  stop(): void;
}

/** Rules of one kind that count, over all lists. */
const MAX_RULES = 50_000;
/** Those of them that are patterns: each is tried on each name. */
const MAX_PATTERNS = 2_000;
/** Steps that all patterns of one event may take together. */
const STEPS = 2_000_000;
/** Lists are looked at again after this, if nothing was heard of them. */
const KEPT_MS = 5 * 60_000;
const BANS: ReadonlySet<unknown> = new Set(["m.ban", "org.matrix.mjolnir.ban"]);
const KINDS = ["m.policy.rule.user", "m.policy.rule.server", "m.policy.rule.room"] as const;
type Kind = (typeof KINDS)[number];

interface Rules {
  readonly exact: ReadonlySet<string>;
  readonly patterns: readonly Glob[];
}

type Compiled = Readonly<Record<Kind, Rules>>;

export function createPolicyRules(deps: {
  readonly log: Pick<Log, "follow">;
  readonly view: Pick<RoomView, "room" | "joinedOfServer" | "currentStateOfType">;
  readonly serverName: ServerName;
  readonly lists: readonly RoomId[];
  readonly now: () => number;
}): PolicyRules {
  const { view, serverName } = deps;
  const lists: ReadonlySet<string> = new Set(deps.lists);
  const flights = createSingleFlight<"all", Compiled>();
  let known: { readonly rules: Compiled; readonly until: number } | undefined;
  let changes = 0;
  const unfollow = deps.log.follow({
    phase: "readers",
    kinds: ["event"],
    take(records) {
      for (const { roomId, stateChanged } of records) {
        if (!stateChanged || !lists.has(roomId)) continue;
        known = undefined;
        changes += 1;
      }
    },
  });

  /** The lists whose state is told to this server. */
  async function listNids(): Promise<number[]> {
    const nids: number[] = [];
    for (const roomId of deps.lists) {
      const room = await view.room(roomId);
      if (room && (await view.joinedOfServer(room.nid, serverName)) > 0) nids.push(room.nid);
    }
    return nids;
  }

  async function compile(): Promise<Compiled> {
    const before = changes;
    const nids = await listNids();
    const compiled = await Promise.all(
      KINDS.map(async (kind) => {
        const found = await view.currentStateOfType(nids, kind, MAX_RULES);
        const banned = [...found.values()].flat().flatMap(({ event: { content } }) => {
          const { entity, recommendation } = content;
          return typeof entity === "string" && BANS.has(recommendation) ? [entity] : [];
        });
        return [kind, rulesOf(banned)] as const;
      }),
    );
    const rules = Object.fromEntries(compiled) as Compiled;
    if (changes === before) known = { rules, until: deps.now() + KEPT_MS };
    return rules;
  }

  async function rules(): Promise<Compiled> {
    if (known !== undefined && known.until > deps.now()) return known.rules;
    return flights.run("all", compile);
  }

  return {
    async refusal(event) {
      const all = await rules();
      const budget = newBudget(STEPS);
      const bans = (kind: Kind, name: string): boolean =>
        all[kind].exact.has(name) ||
        all[kind].patterns.some((pattern) => pattern.matches(name, budget));
      if (isDeparture(event)) return undefined;
      const users = [event.sender, ...(entering(event) ?? [])];
      for (const userId of users) {
        if (bans("m.policy.rule.user", userId)) return `${userId} is banned`;
        const server = serverOf(userId);
        const host = server.replace(/:\d+$/, "");
        const isBanned = [server, host].some((name) => bans("m.policy.rule.server", name));
        if (isBanned) return `${server} is banned`;
      }
      return bans("m.policy.rule.room", event.roomId) ? "The room is banned" : undefined;
    },
    stop: unfollow,
  };
}

function rulesOf(entities: readonly string[]): Rules {
  const [patterns, exact] = [new Set<string>(), new Set<string>()];
  for (const entity of entities) (/[*?]/.test(entity) ? patterns : exact).add(entity);
  return { exact, patterns: [...patterns].slice(0, MAX_PATTERNS).map((pattern) => glob(pattern)) };
}

/** Whoever goes may go. */
function isDeparture({ type, stateKey, sender, content }: RoomEvent): boolean {
  return type === "m.room.member" && stateKey === sender && content.membership === "leave";
}

/** The user whom the event would let in. */
function entering({ type, stateKey, content }: RoomEvent): UserId[] | undefined {
  const lets = ["join", "invite", "knock"].includes(content.membership as string);
  return type === "m.room.member" && lets && isUserId(stateKey) ? [stateKey] : undefined;
}
