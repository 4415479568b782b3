export function ensureWebClient(): Promise<void>;
