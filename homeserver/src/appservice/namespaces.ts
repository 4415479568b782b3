import { RE2JS } from "re2js";
import { LRUCache } from "lru-cache";
import { atMost } from "../platform/caches.ts";

/** Users, aliases or rooms that an application service is interested in. */
export interface Namespace {
  /** As the registration has it. */
  readonly regex: string;
  /** Others may not create what it matches. */
  readonly exclusive: boolean;
}

/** One list of namespaces: what it matches, with what was asked lately in memory. */
export interface NamespaceList {
  readonly list: readonly Namespace[];
  has(id: string): boolean;
  hasExclusively(id: string): boolean;
}

/** Ids whose answer is remembered, for each list. */
const REMEMBERED = 20_000;

/**
 * Compiles a list. An expression has to match from an id's beginning on, and may end before it, as
 * homeservers have always read them. Matching takes time in proportion to the id's length, whatever
 * the expression: strangers choose the ids. (Application service API, "Registration".)
 * @throws Error that names the expression, by its place in the list
 */
export function compileNamespaces(list: readonly Namespace[]): NamespaceList {
  const compiled = list.map(({ regex, exclusive }, index) => ({
    exclusive,
    pattern: compile(regex, index),
  }));
  const answers = new LRUCache<string, "no" | "shared" | "exclusive">(atMost(REMEMBERED));

  function look(id: string): "no" | "shared" | "exclusive" {
    if (compiled.length === 0) return "no";
    let answer = answers.get(id);
    if (answer === undefined) {
      const matching = compiled.filter(({ pattern }) => pattern.matcher(id).lookingAt());
      if (matching.some(({ exclusive }) => exclusive)) answer = "exclusive";
      else answer = matching.length > 0 ? "shared" : "no";
      answers.set(id, answer);
    }
    return answer;
  }

  return {
    list,
    has: (id) => look(id) !== "no",
    hasExclusively: (id) => look(id) === "exclusive",
  };
}

function compile(regex: string, index: number): RE2JS {
  try {
    return RE2JS.compile(regex);
  } catch (error) {
    throw new Error(`[${index}].regex: ${JSON.stringify(regex)} is no regular expression`, {
      cause: error,
    });
  }
}
