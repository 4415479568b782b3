/** A command called wrongly: exit code 2, like a wrong configuration. */
export class UsageError extends Error {}
