import { readFileSync } from "node:fs";

/** A file of language-neutral vectors: named cases under spec/vectors. */
export interface Vectors<Case> {
  readonly comment: string;
  readonly cases: readonly (Case & { readonly name: string })[];
}

/** Reads `spec/vectors/<path>.json`; `More` is what the file holds beside its cases. */
export function vectors<Case, More = object>(path: string): Vectors<Case> & More {
  const url = new URL(`../../../spec/vectors/${path}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Vectors<Case> & More;
}
