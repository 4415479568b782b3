import type { ReactiveController, ReactiveControllerHost } from "lit";
import type { Member, Room } from "../store/room.ts";
import type { Mention } from "../text/compose.ts";

/** How many people are offered at once. */
const OFFERED = 8;

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The unfinished "@name" in front of the caret, or undefined. */
export function queryAt(text: string, caret: number): { start: number; term: string } | undefined {
  const match = /(^|[\s(])@([^\s@]{0,40}(?: [^\s@]{0,20})?)$/u.exec(text.slice(0, caret));
  if (match === null) return undefined;
  return { start: caret - match[2]!.length - 1, term: match[2]! };
}

/** Those whose name or id begins with the term first, then those that hold it. */
export function findMembers(members: readonly Member[], term: string): Member[] {
  const wanted = fold(term);
  const rank = (member: Member): number => {
    const [name, id] = [fold(member.displayName ?? ""), fold(member.userId.slice(1))];
    if (name.startsWith(wanted) || id.startsWith(wanted)) return 0;
    if (name.split(/\s/).some((word) => word.startsWith(wanted))) return 1;
    return name.includes(wanted) ? 2 : 3;
  };
  return members
    .map((member) => ({ member, at: rank(member) }))
    .filter(({ at }) => at < 3)
    .toSorted((a, b) => a.at - b.at)
    .slice(0, OFFERED)
    .map(({ member }) => member);
}

/** Offers people while "@…" is being written, and keeps who was chosen. */
export class Mentions implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  offered: Member[] = [];
  selected = 0;
  chosen: Mention[] = [];
  #start = 0;

  constructor(host: ReactiveControllerHost) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    // Nothing to follow: the host tells what is written.
  }

  get open(): boolean {
    return this.offered.length > 0;
  }

  /** The text or caret changed. */
  look(room: Room, me: string, text: string, caret: number): void {
    const query = queryAt(text, caret);
    const others =
      query === undefined
        ? []
        : room.members("join", "invite").filter(({ userId }) => userId !== me);
    this.offered = query === undefined ? [] : findMembers(others, query.term);
    this.#start = query?.start ?? 0;
    this.selected = 0;
    this.#host.requestUpdate();
  }

  move(by: number): void {
    this.selected = (this.selected + by + this.offered.length) % this.offered.length;
    this.#host.requestUpdate();
  }

  close(): void {
    this.offered = [];
    this.#host.requestUpdate();
  }

  /** Puts the chosen one's name in the text. Answers the new text and caret. */
  choose(member: Member, room: Room, text: string, caret: number): { text: string; caret: number } {
    const name = room.displayName(member.userId);
    this.chosen = [
      ...this.chosen.filter((one) => one.name !== name),
      { userId: member.userId, name },
    ];
    const before = `${text.slice(0, this.#start)}@${name} `;
    this.close();
    return { text: before + text.slice(caret).trimStart(), caret: before.length };
  }

  reset(chosen: Mention[] = []): void {
    this.chosen = chosen;
    this.offered = [];
  }
}
