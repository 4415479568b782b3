import { vi } from "vitest";

/** Waits until the check does not throw, and fails with what it threw when it never comes to that. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 30_000 });
}
