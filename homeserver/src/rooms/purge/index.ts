export { followPurges } from "./follow.ts";
export { createPurges } from "./purges.ts";
