/** Makes a folder that a later run removes when this process is killed. `prefix` begins with "weft-". */
export function makeTemporaryFolder(prefix: string): string;
