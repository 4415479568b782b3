/** What is amiss with the controls of the page, or of the window in front of it, each in a few words. */
export function amissControls(what: "lost" | "unmarked"): string[];
