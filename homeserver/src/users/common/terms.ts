import type { JsonObject } from "../../protocol/json.ts";
import { likedLanguages } from "./languages.ts";

/** A document that people agree to when they register. */
export interface Policy {
  /** For instance `privacy_policy`. */
  readonly id: string;
  readonly version: string;
  /** By the language's tag; not empty. */
  readonly texts: ReadonlyMap<string, PolicyText>;
}

interface PolicyText {
  readonly name: string;
  readonly url: string;
}

/** Versions of documents, by their ids. */
export type AgreedVersions = Readonly<Record<string, string>>;

/** What somebody agrees to who agrees now. */
export function versionsOf(policies: readonly Policy[]): AgreedVersions {
  return Object.fromEntries(policies.map(({ id, version }) => [id, version]));
}

/** What clients show. (Client-server API, "Terms of service at registration".) */
export function termsParams(policies: readonly Policy[]): JsonObject {
  const each = policies.map(({ id, version, texts }): [string, JsonObject] => {
    const all = [...texts].map(([language, text]): [string, JsonObject] => [language, { ...text }]);
    return [id, { version, ...Object.fromEntries(all) }];
  });
  return { policies: Object.fromEntries(each) };
}

/** The text in the language that a browser likes best (Accept-Language), or in English, or the first. */
export function textFor({ texts }: Policy, accepted: string | undefined): PolicyText {
  const known = new Map([...texts].map(([tag, text]) => [tag.toLowerCase(), text]));
  for (const tag of likedLanguages(accepted)) {
    const found = known.get(tag) ?? known.get(tag.split("-")[0]!);
    if (found !== undefined) return found;
  }
  return known.get("en") ?? [...known.values()][0]!;
}
