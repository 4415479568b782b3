/** The tag that times and numbers follow; undefined: the browser's own. */
let current: string | undefined;

/** Sets what times and numbers follow from here on. */
export function setLocale(tag: string): void {
  current = tag;
}

export function locale(): string | undefined {
  return current;
}
