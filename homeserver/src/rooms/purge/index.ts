export { createPurges } from "./purges.ts";
