import { number, object, strings, text, type Content, type MatrixEvent } from "../api/types.ts";
import { plainName } from "../text/names.ts";
import { canRedact } from "./power.ts";
import type { Room } from "./room.ts";

/** Polls under the name that apps send them by, and the one that they will have. */
export const START = "org.matrix.msc3381.poll.start";
export const RESPONSE = "org.matrix.msc3381.poll.response";
export const END = "org.matrix.msc3381.poll.end";
const LATER: Readonly<Record<string, string>> = {
  [START]: "m.poll.start",
  [RESPONSE]: "m.poll.response",
  [END]: "m.poll.end",
};

const isOf = (event: MatrixEvent, type: string): boolean =>
  event.type === type || event.type === LATER[type];
export const isPoll = (event: MatrixEvent): boolean => isOf(event, START);
/** What is said of a poll, and no line of its own. */
export const isOfPoll = (event: MatrixEvent): boolean => isOf(event, RESPONSE) || isOf(event, END);

export interface Poll {
  question: string;
  answers: readonly { id: string; text: string }[];
  /** How many answers one may choose. */
  most: number;
  /** Whether it is seen before the end what was chosen. */
  isOpen: boolean;
}

/** Answers of a poll. (MSC3381.) */
const MAX_ANSWERS = 20;

/** The words of an extensible content: a text, under its old name or its new one. */
function wordsIn(content: Content | undefined): string | undefined {
  const blocks = content?.["m.text"];
  const first = Array.isArray(blocks) ? object({ first: blocks[0] ?? null }, "first") : undefined;
  return plainName(
    text(content, "org.matrix.msc1767.text") ?? text(content, "m.text") ?? text(first, "body"),
  );
}

/** The poll that a stranger's content describes; undefined when it is none. */
export function pollOf(content: Content): Poll | undefined {
  const start =
    object(content, START) ?? object(content, "m.poll") ?? object(content, "m.poll.start");
  const told = start?.["answers"];
  const question = wordsIn(object(start, "question"));
  if (!Array.isArray(told) || question === undefined) return undefined;
  const seen = new Set<string>();
  const answers = told.slice(0, MAX_ANSWERS).flatMap((raw) => {
    const answer = object({ raw }, "raw");
    const id = text(answer, "id") ?? text(answer, "m.id");
    const words = wordsIn(answer);
    if (id === undefined || words === undefined || seen.has(id)) return [];
    seen.add(id);
    return [{ id, text: words }];
  });
  if (answers.length === 0) return undefined;
  const most = Math.floor(number(start, "max_selections") ?? 1);
  return {
    question,
    answers,
    most: Math.min(Math.max(1, most), answers.length),
    isOpen: /(^|\.)disclosed$/.test(text(start, "kind") ?? ""),
  };
}

export interface Tally {
  /** Who chose each answer, by its id. */
  chosen: ReadonlyMap<string, readonly string[]>;
  /** How many people answered. */
  people: number;
  mine: readonly string[];
  hasEnded: boolean;
}

function answersIn({ content }: MatrixEvent, { answers, most }: Poll): string[] {
  const told = [
    ...strings(object(content, RESPONSE), "answers"),
    ...strings(object(content, "m.poll.response"), "answers"),
    ...strings(content, "m.selections"),
  ];
  const known = new Set(answers.map(({ id }) => id));
  const valid = [...new Set(told)].slice(0, most);
  // One that names what is no answer is spoilt.
  return valid.every((id) => known.has(id)) ? valid : [];
}

/**
 * What came of a poll: the last answer of each counts that was given before its end. It is ended by who began it, and by those who may
 * take messages back.
 */
export function tally(
  room: Room,
  start: MatrixEvent,
  poll: Poll,
  about: readonly MatrixEvent[],
  me: string,
): Tally {
  const ends = about.filter((event) => isOf(event, END) && mayEnd(room, start, event.sender));
  const end = Math.min(...ends.map(({ origin_server_ts: ts }) => ts));
  const last = new Map<string, MatrixEvent>();
  for (const event of about) {
    const { sender, origin_server_ts: ts } = event;
    if (!isOf(event, RESPONSE) || ts > end) continue;
    const known = last.get(sender);
    if (known === undefined || ts >= known.origin_server_ts) last.set(sender, event);
  }
  const chosen = new Map<string, string[]>(poll.answers.map(({ id }) => [id, []]));
  let people = 0;
  for (const [sender, event] of last) {
    const ids = answersIn(event, poll);
    if (ids.length > 0) people += 1;
    for (const id of ids) chosen.get(id)?.push(sender);
  }
  const own = last.get(me);
  return {
    chosen,
    people,
    mine: own === undefined ? [] : answersIn(own, poll),
    hasEnded: ends.length > 0,
  };
}

export function mayEnd(room: Room, start: MatrixEvent, who: string): boolean {
  return who === start.sender || canRedact(room, who, start.sender);
}

/** The content of a new poll. */
export function newPoll(poll: Omit<Poll, "answers"> & { answers: readonly string[] }) {
  const { question, answers, most, isOpen } = poll;
  return {
    [START]: {
      kind: `org.matrix.msc3381.poll.${isOpen ? "disclosed" : "undisclosed"}`,
      max_selections: most,
      question: { "org.matrix.msc1767.text": question, body: question, msgtype: "m.text" },
      answers: answers.map((words, at) => ({
        id: `${at + 1}-${crypto.randomUUID().slice(0, 8)}`,
        "org.matrix.msc1767.text": words,
      })),
    },
    "org.matrix.msc1767.text": [question, ...answers.map((one, at) => `${at + 1}. ${one}`)].join(
      "\n",
    ),
  };
}
