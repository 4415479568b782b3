export { createDoors } from "./doors.ts";
export { followPurges } from "./follow.ts";
export { createPurges } from "./purges.ts";
