export { deleteEnded } from "./delete-ended.ts";
export { createPurges } from "./purges.ts";
export { createPurgeSteps } from "./steps.ts";
export { forgetOldStays } from "./old-stays.ts";
