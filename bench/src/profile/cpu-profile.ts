import { fileURLToPath } from "node:url";

/** V8's format, as `node --cpu-prof` writes it. Times in microseconds, lines from 0. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
  /** Lines from 1. */
  readonly positionTicks?: readonly { line: number; ticks: number }[];
}

/** A row of a table: time in microseconds. */
export interface Cost {
  readonly name: string;
  readonly micros: number;
}

export interface Analysis {
  /** Microseconds in which the thread did something. */
  readonly busy: number;
  /** Functions by the time in themselves. */
  readonly self: readonly Cost[];
  /** The server's own functions by the time in them and in everything that they call at once. */
  readonly inclusive: readonly Cost[];
  /** The server's own functions by the time in them and in libraries and built-ins that they call. */
  readonly blamed: readonly Cost[];
  /** Folders of the server, packages, and Node's modules by the time in them. */
  readonly places: readonly Cost[];
  /** The server's lines by samples, as time. */
  readonly lines: readonly Cost[];
}

interface Frame {
  readonly label: string;
  readonly place: string;
  readonly file: string;
  readonly isOwn: boolean;
}

const IDLE = "(idle)";

/**
 * Adds up a profile. `cpuMicros`: what the thread had of the CPU meanwhile; the times are scaled to it,
 * because a sample's time also holds what other processes took.
 */
export function analyse(profile: CpuProfile, cpuMicros?: number): Analysis {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const frames = new Map(profile.nodes.map((node) => [node.id, frameOf(node)]));
  const spent = timeByNode(profile, (id) => frames.get(id)?.label === IDLE, cpuMicros);
  const tables = {
    self: new Map<string, number>(),
    inclusive: new Map<string, number>(),
    blamed: new Map<string, number>(),
    places: new Map<string, number>(),
    lines: new Map<string, number>(),
  };
  let busy = 0;

  function visit(id: number, above: readonly string[], owner: string): number {
    const node = nodes.get(id)!;
    const frame = frames.get(id)!;
    const self = spent.get(id) ?? 0;
    const inner = frame.isOwn ? [...above, frame.label] : above;
    const blamed = frame.isOwn ? frame.label : owner;
    if (frame.label !== IDLE) {
      busy += self;
      add(tables.self, frame.label, self);
      add(tables.places, frame.place, self);
      add(tables.blamed, blamed === "" ? frame.label : blamed, self);
      addLines(tables.lines, node, frame, self);
    }
    let all = self;
    for (const child of node.children ?? []) all += visit(child, inner, blamed);
    // A function that calls itself counts once.
    if (frame.isOwn && !above.includes(frame.label)) add(tables.inclusive, frame.label, all);
    return all;
  }

  const [root] = profile.nodes;
  if (root) visit(root.id, [], "");
  const { self, inclusive, blamed, places, lines } = tables;
  return {
    busy,
    self: ranked(self),
    inclusive: ranked(inclusive),
    blamed: ranked(blamed),
    places: ranked(places),
    lines: ranked(lines),
  };
}

/**
 * Microseconds in each node itself. A thread that waits for the CPU is sampled once, when it gets it, and the
 * wait looks like work: no sample of work counts for more than twice the usual interval.
 */
function timeByNode(
  { samples, timeDeltas }: CpuProfile,
  isIdle: (id: number) => boolean,
  cpuMicros: number | undefined,
): Map<number, number> {
  const usual = timeDeltas.toSorted((a, b) => a - b)[timeDeltas.length >> 1] ?? 0;
  const spent = new Map<number, number>();
  let busy = 0;
  samples.forEach((id, index) => {
    const delta = Math.max(0, timeDeltas[index]!);
    const counted = isIdle(id) ? delta : Math.min(delta, 2 * usual);
    if (!isIdle(id)) busy += counted;
    spent.set(id, (spent.get(id) ?? 0) + counted);
  });
  const scale = cpuMicros === undefined || busy === 0 ? 1 : cpuMicros / busy;
  for (const [id, time] of spent) if (!isIdle(id)) spent.set(id, time * scale);
  return spent;
}

function addLines(table: Map<string, number>, node: ProfileNode, frame: Frame, self: number): void {
  if (!frame.isOwn || !node.positionTicks) return;
  const ticks = node.positionTicks.reduce((sum, position) => sum + position.ticks, 0);
  for (const position of node.positionTicks) {
    const name = `${frame.file}:${position.line} ${node.callFrame.functionName || "(anonymous)"}`;
    add(table, name, (self * position.ticks) / ticks);
  }
}

function add(table: Map<string, number>, key: string, value: number): void {
  table.set(key, (table.get(key) ?? 0) + value);
}

function ranked(table: ReadonlyMap<string, number>): Cost[] {
  return [...table]
    .map(([name, micros]) => ({ name, micros }))
    .filter(({ micros }) => micros > 0)
    .toSorted((a, b) => b.micros - a.micros);
}

function frameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): Frame {
  const name = functionName || "(anonymous)";
  if (url === "")
    return {
      label: name,
      place: name.startsWith("(") ? name : "(built-in)",
      file: "",
      isOwn: false,
    };
  const path = url.startsWith("file://") ? fileURLToPath(url) : url;
  const { place, file, isOwn } = placeOf(path);
  return { label: `${name} ${file}:${lineNumber + 1}`, place, file, isOwn };
}

function placeOf(path: string): Pick<Frame, "place" | "file" | "isOwn"> {
  const module = path.lastIndexOf("/node_modules/");
  if (module !== -1) {
    const file = path.slice(module + "/node_modules/".length);
    const parts = file.split("/");
    const place = parts.slice(0, file.startsWith("@") ? 2 : 1).join("/");
    return { place, file, isOwn: false };
  }
  const own = /\/((?:homeserver|spec)\/.*)$/.exec(path)?.[1];
  if (own === undefined) return { place: path, file: path, isOwn: false };
  const place = own.split("/").slice(0, 3).join("/");
  return { place, file: own.replace(/^homeserver\/src\//, ""), isOwn: true };
}
