import { expect, test } from "vitest";
import type { Content } from "../../src/api/types.ts";
import { END, newPoll, pollOf, RESPONSE, START, tally } from "../../src/store/polls.ts";
import { Room } from "../../src/store/room.ts";
import { createEvents } from "./events.ts";

const ME = "@me:one";
const ANN = "@ann:two";

const answers = [
  { id: "t", "org.matrix.msc1767.text": "Tea" },
  { id: "c", "m.text": [{ body: "Coffee" }] },
];
const start = (more: Content = {}): Content => ({
  [START]: {
    kind: "org.matrix.msc3381.poll.disclosed",
    max_selections: 1,
    question: { "org.matrix.msc1767.text": "What?" },
    answers,
    ...more,
  },
});

function held(more: Content = {}) {
  const make = createEvents();
  const room = new Room("!r:one");
  const poll = make.event(START, ANN, start(more));
  const about = (type: string, content: Content) => ({
    ...content,
    "m.relates_to": { rel_type: "m.reference", event_id: poll.event_id },
    type,
  });
  const vote = (sender: string, ...ids: string[]) =>
    make.event(RESPONSE, sender, about(RESPONSE, { [RESPONSE]: { answers: ids } }));
  const end = (sender: string) => make.event(END, sender, about(END, { [END]: {} }));
  const count = () => {
    const seen = pollOf(poll.content)!;
    const all = room.timeline.relations.about(poll.event_id);
    const { chosen, ...rest } = tally(room, poll, seen, all, ME);
    return { ...rest, chosen: Object.fromEntries(chosen) };
  };
  const add = (...events: ReturnType<typeof vote>[]): void => {
    room.timeline.append(events, { limited: false });
  };
  return { room, poll, vote, end, count, add, make };
}

test("the last answer of each counts, and votes are no lines of their own", () => {
  const { room, vote, count, add } = held();
  add(vote(ME, "t"), vote(ANN, "c"), vote(ME, "c"));
  expect(count()).toEqual({
    people: 2,
    mine: ["c"],
    hasEnded: false,
    chosen: { t: [], c: [ANN, ME].toSorted((a) => (a === ME ? -1 : 1)) },
  });
  expect(room.timeline.entries.every(({ hidden }) => hidden)).toBe(true);
});

test("an answer that is none spoils the vote, and more than may be chosen are cut", () => {
  const { vote, count, add } = held();
  add(vote(ME, "x"), vote(ANN, "t", "c"));
  expect(count()).toMatchObject({ people: 1, mine: [], chosen: { t: [ANN], c: [] } });
});

test("it is ended by who began it, not by anybody; what comes later counts for nothing", () => {
  const { vote, end, count, add } = held();
  add(vote(ME, "t"), end(ME));
  expect(count().hasEnded).toBe(false);
  add(end(ANN), vote(ME, "c"));
  expect(count()).toMatchObject({ hasEnded: true, mine: ["t"] });
});

test("a vote that was taken back does not count", () => {
  const { vote, count, add, make } = held();
  const mine = vote(ME, "t");
  add(mine, make.redaction(ME, mine.event_id));
  expect(count()).toMatchObject({ people: 0, mine: [] });
});

test.each<[string, Content]>([
  ["nothing", {}],
  ["no question", { [START]: { answers } }],
  ["no answers", start({ answers: [] })],
  ["answers of other shapes", start({ answers: [1, null, { id: 5 }, "x"] })],
])("%s is no poll", (_name, content) => expect(pollOf(content)).toBeUndefined());

test("a stranger's numbers and lengths are bounded", () => {
  const many = Array.from({ length: 500 }, (_, at) => ({
    id: `${at}`,
    "org.matrix.msc1767.text": "x".repeat(5000),
  }));
  const poll = pollOf(start({ answers: many, max_selections: 1e9 }))!;
  expect(poll.answers).toHaveLength(20);
  expect(poll.most).toBe(20);
  expect(poll.answers[0]!.text.length).toBeLessThan(300);
  expect(pollOf(start({ max_selections: -3 }))!.most).toBe(1);
});

test("the name that polls will have is understood, and what is sent is what is read", () => {
  const later = {
    "m.poll": {
      kind: "m.undisclosed",
      question: { "m.text": [{ body: "What?" }] },
      answers: [{ "m.id": "a", "m.text": [{ body: "A" }] }],
    },
  };
  expect(pollOf(later)).toMatchObject({ question: "What?", isOpen: false });
  const made = pollOf(newPoll({ question: "Q", answers: ["A", "B"], most: 2, isOpen: true }));
  expect(made).toMatchObject({ question: "Q", most: 2, isOpen: true });
  expect(made!.answers.map(({ text }) => text)).toEqual(["A", "B"]);
});
