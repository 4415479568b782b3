/** Ports that nobody listens on right now; no two calls get the same, as long as there are others. */
export function freePorts(count: number): Promise<number[]>;
/** Whether nobody listens there. */
export function isFree(port: number): Promise<boolean>;
