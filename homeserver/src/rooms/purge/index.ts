export { createPurges } from "./purges.ts";
export { forgetOldStays } from "./old-stays.ts";
