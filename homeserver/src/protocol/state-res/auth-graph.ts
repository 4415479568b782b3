import type { EventId } from "../identifiers.ts";

/** Bits of a mask that stand for state sets. */
const SETS_PER_PASS = 31;

/**
 * A room's auth events as integers: node i is an event, `targets[offsets[i]..offsets[i + 1]]` are
 * the nodes of its auth events, all below i. Walks are passes over typed arrays: a room with 60,000
 * events of state takes about a millisecond.
 */
export class AuthGraph {
  readonly #ids: EventId[] = [];
  readonly #nodes = new Map<EventId, number>();
  #offsets = new Int32Array(64);
  #targets = new Int32Array(256);

  get size(): number {
    return this.#ids.length;
  }

  /** The node of an event; undefined when the graph does not hold it. */
  node(eventId: EventId): number | undefined {
    return this.#nodes.get(eventId);
  }

  /** The event of a node. */
  eventId(node: number): EventId {
    const id = this.#ids[node];
    if (id === undefined) throw new RangeError(`No node ${node}`);
    return id;
  }

  /**
   * Adds the events and their auth chains, as far as they are not there yet.
   * @param authEventsOf the auth events of an event; undefined when it is not known, which leaves
   *   it and the way through it out
   */
  grow(
    roots: Iterable<EventId>,
    authEventsOf: (id: EventId) => readonly EventId[] | undefined,
  ): void {
    const open = new Set<EventId>();
    const path: { id: EventId; auth: readonly EventId[]; next: number }[] = [];
    const enter = (id: EventId): void => {
      if (this.#nodes.has(id) || open.has(id)) return;
      const auth = authEventsOf(id);
      if (auth === undefined) return;
      open.add(id);
      path.push({ id, auth, next: 0 });
    };
    for (const root of roots) {
      enter(root);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const child = top.auth[top.next++];
        if (child !== undefined) enter(child);
        else this.#append(path.pop()!.id, top.auth);
      }
    }
  }

  /**
   * The nodes that some, but not all of the state sets hold or have in their auth chains, highest
   * first. `everywhere` are nodes that stand in every set, given once. (Room version 2, "Auth
   * difference"; that a set's own events count as in its chain is what all servers do: see
   * docs/decisions/0008.)
   */
  difference(sets: readonly Iterable<number>[], everywhere: Iterable<number> = []): number[] {
    const common = [...everywhere];
    const hits = new Int32Array(this.size);
    for (let from = 0; from < sets.length; from += SETS_PER_PASS) {
      const group = sets.slice(from, from + SETS_PER_PASS);
      this.#countHits(group, common, hits);
    }
    const found: number[] = [];
    for (let node = this.size - 1; node >= 0; node--) {
      const count = hits[node]!;
      if (count > 0 && count < sets.length) found.push(node);
    }
    return found;
  }

  /**
   * The nodes on paths along auth events from one of the nodes to another, ends included, highest
   * first. (Room version 12, "Conflicted state subgraph".)
   */
  between(nodes: Iterable<number>): number[] {
    const ends = new Set(nodes);
    if (ends.size === 0) return [];
    let low = this.size;
    let high = -1;
    for (const node of ends) {
      low = Math.min(low, node);
      high = Math.max(high, node);
    }
    const below = new Uint8Array(high - low + 1);
    for (const node of ends) below[node - low] = 1;
    const above = below.slice();
    for (let node = high; node >= low; node--) {
      if (below[node - low] === 0) continue;
      this.#eachTarget(node, (target) => {
        if (target >= low) below[target - low] = 1;
      });
    }
    for (let node = low; node <= high; node++) {
      this.#eachTarget(node, (target) => {
        if (target >= low && above[target - low] === 1) above[node - low] = 1;
      });
    }
    const found: number[] = [];
    for (let node = high; node >= low; node--) {
      if (below[node - low] === 1 && above[node - low] === 1) found.push(node);
    }
    return found;
  }

  /** Adds to each node the number of these sets (31 at most) that reach it. */
  #countHits(sets: readonly Iterable<number>[], common: readonly number[], hits: Int32Array): void {
    const masks = new Int32Array(this.size);
    sets.forEach((set, bit) => {
      for (const node of set) masks[node]! |= 1 << bit;
    });
    const all = sets.length === SETS_PER_PASS ? 0x7fffffff : (1 << sets.length) - 1;
    for (const node of common) masks[node] = all;
    const offsets = this.#offsets;
    const targets = this.#targets;
    for (let node = this.size - 1; node >= 0; node--) {
      const mask = masks[node]!;
      if (mask === 0) continue;
      hits[node]! += mask === all ? sets.length : bitCount(mask);
      const end = offsets[node + 1]!;
      for (let at = offsets[node]!; at < end; at++) masks[targets[at]!]! |= mask;
    }
  }

  #eachTarget(node: number, visit: (target: number) => void): void {
    const end = this.#offsets[node + 1]!;
    for (let at = this.#offsets[node]!; at < end; at++) visit(this.#targets[at]!);
  }

  #append(id: EventId, auth: readonly EventId[]): void {
    const node = this.#ids.length;
    let end = this.#offsets[node]!;
    this.#targets = withRoom(this.#targets, end + auth.length);
    for (const authId of auth) {
      const target = this.#nodes.get(authId);
      if (target !== undefined) this.#targets[end++] = target;
    }
    this.#offsets = withRoom(this.#offsets, node + 2);
    this.#offsets[node + 1] = end;
    this.#ids.push(id);
    this.#nodes.set(id, node);
  }
}

/** The array, or a copy of twice the length, with at least `length` elements. */
function withRoom(array: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= array.length) return array;
  const larger = new Int32Array(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

function bitCount(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
