import { readFileSync } from "node:fs";

/** A file of language-neutral vectors: named cases under spec/vectors; `More` is what it holds beside them. */
export type Vectors<Case, More> = More & {
  readonly comment: string;
  readonly cases: readonly (Case & { readonly name: string })[];
};

/** Reads `spec/vectors/<path>.json`. */
export function vectors<Case, More = object>(path: string): Vectors<Case, More> {
  const url = new URL(`../../../spec/vectors/${path}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Vectors<Case, More>;
}
